import { type ESTree, parseSync, Visitor } from "vite";
import type { SourceFile } from "./workspace.ts";

/** What the architecture's rules look for in a source file. */
export type FindingKind =
  | "cast"
  | "default-export"
  | "export-all"
  | "global-fetch"
  | "import"
  | "key"
  | "new-url"
  | "regex"
  | "reveal"
  | "text";

export interface Finding {
  readonly kind: FindingKind;
  readonly path: string;
  readonly line: number;
  /** The specifier of an import, the name of a key that is given a value, the content of a text, else the code itself. */
  readonly value: string;
  /** Names of the functions around it, outermost first. */
  readonly inside: readonly string[];
}

/** Everything in `file` that a rule may be about, in the order of the text; comments are not. */
export function findingsOf({ path, text }: SourceFile): readonly Finding[] {
  const { program, errors } = parseSync(path, text);
  if (errors.length > 0) throw new SyntaxError(`${path}: ${errors.map(({ message }) => message).join("; ")}`);
  const findings: Finding[] = [];
  const functions: string[] = [];
  const note = (kind: FindingKind, node: ESTree.Span, value = text.slice(node.start, node.end)): void => {
    const line = text.slice(0, node.start).split("\n").length;
    findings.push({ kind, path, line, value, inside: [...functions] });
  };
  const imported = (node: ESTree.Span & { readonly source: ESTree.StringLiteral | null }): void => {
    if (node.source !== null) note("import", node, node.source.value);
  };

  new Visitor({
    ...namesOfFunctions(functions),
    TSAsExpression: (node) => {
      if (!isConst(node.typeAnnotation) && !isEmptyMap(node.expression)) note("cast", node);
    },
    TSTypeAssertion: (node) => note("cast", node),
    ExportDefaultDeclaration: (node) => note("default-export", node),
    ExportAllDeclaration: (node) => {
      note("export-all", node);
      imported(node);
    },
    ExportNamedDeclaration: imported,
    ImportDeclaration: imported,
    ImportExpression: ({ source, start, end }) => note("import", { start, end }, stringOf(source)),
    TSImportType: (node) => imported(node),
    CallExpression: (node) => {
      if (isNamed(node.callee, "fetch") || isGlobalMember(node.callee, "fetch")) note("global-fetch", node);
      if (isUrlParse(node.callee)) note("new-url", node);
    },
    NewExpression: (node) => {
      const isUrl = isNamed(node.callee, "URL") || isGlobalMember(node.callee, "URL");
      if (isUrl && !isOwnFile(node)) note("new-url", node);
    },
    ObjectExpression: ({ properties }) => {
      for (const property of properties) {
        if (property.type === "Property" && !isFunction(property.value)) {
          note("key", property.key, keyOf(property) || stringOf(property.key));
        }
      }
    },
    AssignmentExpression: ({ left }) => {
      if (left.type === "MemberExpression") note("key", left, propertyOf(left));
    },
    MemberExpression: (node) => {
      if (propertyOf(node) === "reveal") note("reveal", node);
    },
    ObjectPattern: ({ properties }) => {
      for (const property of properties) {
        if (property.type === "Property" && keyOf(property) === "reveal") note("reveal", property.key);
      }
    },
    Literal: (node) => {
      if ("regex" in node) {
        note("regex", node);
        note("text", node, node.regex.pattern.replaceAll("\\", ""));
      } else if (typeof node.value === "string") note("text", node, node.value);
    },
    TemplateElement: (node) => note("text", node, node.value.raw),
  }).visit(program);
  return findings;
}

/** Keeps `functions` the list of the named functions around the place being visited. */
function namesOfFunctions(functions: string[]): ConstructorParameters<typeof Visitor>[0] {
  const leave = (): void => void functions.pop();
  return {
    FunctionDeclaration: (node) => functions.push(node.id?.name ?? ""),
    "FunctionDeclaration:exit": leave,
    MethodDefinition: (node) => functions.push(keyOf(node)),
    "MethodDefinition:exit": leave,
    Property: (node) => functions.push(isFunction(node.value) ? keyOf(node) : ""),
    "Property:exit": leave,
    VariableDeclarator: ({ id, init }) =>
      functions.push(isFunction(init) && id.type === "Identifier" ? id.name : ""),
    "VariableDeclarator:exit": leave,
  };
}

function isFunction(node: ESTree.Node | null): boolean {
  return node?.type === "ArrowFunctionExpression" || node?.type === "FunctionExpression";
}

function keyOf({ key, computed }: { readonly key: ESTree.Node; readonly computed: boolean }): string {
  return !computed && key.type === "Identifier" ? key.name : "";
}

function isConst(type: ESTree.TSType): boolean {
  return type.type === "TSTypeReference" && isNamed(type.typeName, "const");
}

/** `Object.create(null)` is typed `any`, but there is nothing in it that could be of another type. */
function isEmptyMap(node: ESTree.Node): boolean {
  if (node.type !== "CallExpression" || node.callee.type !== "MemberExpression") return false;
  const isCreate = isNamed(node.callee.object, "Object") && propertyOf(node.callee) === "create";
  const [prototype, ...more] = node.arguments;
  return isCreate && more.length === 0 && prototype?.type === "Literal" && prototype.value === null;
}

function isNamed(node: ESTree.Node, name: string): boolean {
  return node.type === "Identifier" && node.name === name;
}

function isGlobalMember(node: ESTree.Node, name: string): boolean {
  return node.type === "MemberExpression" && isNamed(node.object, "globalThis") && propertyOf(node) === name;
}

function isUrlParse(node: ESTree.Node): boolean {
  return node.type === "MemberExpression" && isNamed(node.object, "URL") && propertyOf(node) === "parse";
}

/** `new URL("./x", import.meta.url)` names a file of the package; nothing from outside is in it. */
function isOwnFile({ arguments: [path, base] }: ESTree.NewExpression): boolean {
  return path?.type === "Literal" && base?.type === "MemberExpression" && base.object.type === "MetaProperty";
}

function propertyOf(node: ESTree.MemberExpression): string {
  if (!node.computed) return node.property.name;
  return stringOf(node.property);
}

function stringOf(node: ESTree.Node): string {
  return node.type === "Literal" && typeof node.value === "string" ? node.value : "";
}
