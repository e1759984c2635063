// A step of a JSON patch (RFC 6902), as the server and the page say it.

export interface PatchStep {
  readonly op: string;
  readonly path: string;
  readonly value?: unknown;
}
