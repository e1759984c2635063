// A process of its own that takes what OTLP exporters send and throws it away, as a collector in front of a slow store would not.

import { createServer } from "node:http";

const server = createServer((request, response) => {
  request.resume();
  request.once("end", () => response.writeHead(200, { "content-type": "application/json" }).end("{}"));
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  process.send?.(typeof address === "object" ? address?.port : undefined);
});
process.on("SIGINT", () => {});
process.once("disconnect", () => process.exit(0));
