// The page: takes the token out of the address, opens the live stream, draws.

import { render } from "preact";
import "./style/tokens.css";
import "./style/page.css";
import "./style/parts.css";
import "./style/table.css";
import { startLive } from "./live/live.ts";
import { startNow } from "./live/now-store.ts";
import { takeTokenFromAddress } from "./live/token.ts";
import { startRouter } from "./router.ts";
import { Shell } from "./shell/shell.tsx";

takeTokenFromAddress();
startRouter();
startNow();
startLive();

const place = document.getElementById("page");
if (place !== null) render(<Shell />, place);
