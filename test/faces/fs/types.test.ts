/** The types of the fs face, as a strict consumer of them has them. */
import { fileURLToPath } from 'node:url'
import test from 'tape'
import ts from 'typescript'

const root = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '')

const program = ts.createProgram([`${root}/test/faces/fs/consumer.ts`, `${root}/index.ts`], {
  noEmit: true,
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  allowImportingTsExtensions: true,
  module: ts.ModuleKind.NodeNext,
  target: ts.ScriptTarget.ES2022,
  lib: ['lib.es2024.d.ts'],
  types: ['node'],
  typeRoots: [`${root}/node_modules/@types`]
})

test('a strict consumer compiles, and what it must not do does not', (t) => {
  const consumer = program.getSourceFile(`${root}/test/faces/fs/consumer.ts`)!
  // Only the consumer is checked: of the library this takes what it declares, as its declarations would give it.
  const faults = [...program.getSyntacticDiagnostics(consumer), ...program.getSemanticDiagnostics(consumer)]
  const told = faults.map(({ start, messageText }) => {
    const { line } = consumer.getLineAndCharacterOfPosition(start!)
    return `${line + 1}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`
  })
  t.same(told, [])
  t.end()
})

test('no public type is any', (t) => {
  const checker = program.getTypeChecker()
  const index = program.getSourceFile(`${root}/index.ts`)!
  const seen = new Set<ts.Type>()
  const paths = new Set<string>()
  const found: string[] = []
  const isOurs = (node: ts.Node | undefined) =>
    node?.getSourceFile().fileName.startsWith(`${root}/lib/`) &&
    !(
      ts.getCombinedModifierFlags(node as ts.Declaration) &
      (ts.ModifierFlags.Private | ts.ModifierFlags.Protected)
    )

  const visit = (type: ts.Type, path: string): void => {
    paths.add(path)
    if (type.flags & ts.TypeFlags.Any) found.push(path)
    if (seen.has(type)) return
    seen.add(type)
    if (type.isUnionOrIntersection()) type.types.forEach((part) => visit(part, path))
    for (const part of type.aliasTypeArguments ?? []) visit(part, `${path}<>`)
    if (!(type.flags & ts.TypeFlags.Object)) return
    if ((type as ts.ObjectType).objectFlags & ts.ObjectFlags.Reference)
      // The first only: the others of Node's own types are any where nobody says.
      for (const part of checker.getTypeArguments(type as ts.TypeReference).slice(0, 1))
        visit(part, `${path}<>`)
    for (const property of type.getProperties()) {
      if (!property.name.startsWith('__#') && isOurs(property.declarations?.[0]))
        visit(checker.getTypeOfSymbol(property), `${path}.${property.name}`)
    }
    for (const { type: value } of checker.getIndexInfosOfType(type)) visit(value, `${path}[]`)
    for (const signature of [...type.getCallSignatures(), ...type.getConstructSignatures()]) {
      if (!isOurs(signature.declaration)) continue
      for (const parameter of signature.parameters)
        visit(checker.getTypeOfSymbol(parameter), `${path}(${parameter.name})`)
      visit(signature.getReturnType(), `${path}()`)
    }
  }
  for (const symbol of checker.getExportsOfModule(checker.getSymbolAtLocation(index)!)) {
    const declared = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
    if (declared.flags & ts.SymbolFlags.Type) visit(checker.getDeclaredTypeOfSymbol(declared), symbol.name)
    if (declared.flags & ts.SymbolFlags.Value)
      visit(checker.getTypeOfSymbol(declared), `typeof ${symbol.name}`)
  }
  for (const path of [
    'MultiDrive.readdir(cb)(value)',
    'MultiDrive.promises.stat()<>',
    'MultiDrive.open(opts)'
  ])
    t.ok(paths.has(path), path)
  t.same(found, [])
  t.end()
})
