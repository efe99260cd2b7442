// A plugin of Stryker: text for people is not seeded with faults, since nobody, no test either, may depend on it.
// https://stryker-mutator.io/docs/stryker-js/disable-mutants/

/** As much of Babel's syntax tree as is looked at. */
interface SyntaxNode {
  readonly type: string;
  readonly name?: string;
  readonly callee?: SyntaxNode;
  readonly arguments?: readonly SyntaxNode[];
  readonly key?: SyntaxNode;
  readonly value?: SyntaxNode | string;
}

interface SyntaxPath {
  readonly node: SyntaxNode;
  readonly parent: SyntaxNode | null;
}

/** Properties of errors that are text for people. */
const texts = new Set(["hint", "problem"]);

export const strykerPlugins: readonly unknown[] = [
  {
    kind: "Ignore",
    name: "messages",
    value: {
      shouldIgnore: ({ node, parent }: SyntaxPath): string | undefined =>
        isMessage(node, parent) || isText(node, parent) ? "text for people" : undefined,
    },
  },
];

/** The second argument of an `OciError`. */
function isMessage(node: SyntaxNode, parent: SyntaxNode | null): boolean {
  return parent?.callee?.name === "OciError" && parent.arguments?.[1] === node && isLiteral(node);
}

function isText(node: SyntaxNode, parent: SyntaxNode | null): boolean {
  return texts.has(parent?.key?.name ?? "") && parent?.value === node && isLiteral(node);
}

function isLiteral({ type }: SyntaxNode): boolean {
  return type === "StringLiteral" || type === "TemplateLiteral";
}
