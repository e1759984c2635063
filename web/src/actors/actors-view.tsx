// Actors: found, looked at, looked back at.

import "./actors.css";
import { route } from "../router.ts";
import { ActorList } from "./actor-list.tsx";
import { ActorPage } from "./actor-page.tsx";

export function ActorsView() {
  const [, type, id, tab = "state"] = route.value.parts;
  if (type === undefined || id === undefined) return <ActorList />;
  return <ActorPage key={`${type}/${id}`} actor={{ type, id }} tab={tab} />;
}
