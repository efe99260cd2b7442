/** Elements by name, in their order; an array stands for an element that repeats. */
export interface XmlContent {
  readonly [element: string]: XmlValue;
}

type XmlValue = string | number | boolean | XmlContent | readonly XmlContent[] | undefined;

/** A document of S3. */
export function formatXml(root: string, content: XmlContent): string {
  const namespace = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"';
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root} ${namespace}>${formatContent(content)}</${root}>`;
}

function formatContent(content: XmlContent): string {
  return Object.entries(content)
    .map(([name, value]) => formatElement(name, value))
    .join("");
}

function formatElement(name: string, value: XmlValue): string {
  if (value === undefined) return "";
  if (isList(value)) return value.map((each) => formatElement(name, each)).join("");
  const inside = typeof value === "object" ? formatContent(value) : escape(String(value));
  return `<${name}>${inside}</${name}>`;
}

function isList(value: XmlValue): value is readonly XmlContent[] {
  return Array.isArray(value);
}

/** What is in every element of that name, in the small documents that clients send. */
export function elementsOf(xml: string, name: string): readonly string[] {
  return xml
    .split(`<${name}>`)
    .slice(1)
    .map((rest) => unescape(rest.split(`</${name}>`)[0] ?? ""));
}

const entities: readonly (readonly [character: string, entity: string])[] = [
  ["&", "&amp;"],
  ["<", "&lt;"],
  [">", "&gt;"],
  ['"', "&quot;"],
  ['"', "&#34;"],
];

function escape(text: string): string {
  return entities.reduce((done, [character, entity]) => done.replaceAll(character, entity), text);
}

/** Only of text: an element with others in it has none of these characters. */
function unescape(text: string): string {
  return entities.reduceRight((done, [character, entity]) => done.replaceAll(entity, character), text);
}
