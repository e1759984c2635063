// A sentence of the server for a person: what it puts in backticks is a command or a name, and is set like one.

export function Words({ text }: { readonly text: string }) {
  const parts = text.split("`");
  // An odd number of backticks: one of them is meant as it is.
  if (parts.length % 2 === 0) return <>{text}</>;
  return <>{parts.map((part, at) => (at % 2 === 0 ? part : <code key={`${at} ${part}`}>{part}</code>))}</>;
}
