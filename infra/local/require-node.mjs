// Preloaded by the npm scripts of production: an older Node is refused with one line, not with
// the first syntax error that it meets. Plain JavaScript that any Node with modules can read.
if (Number(process.versions.node.split('.')[0]) < 24) {
  console.error(`Tidings needs Node 24 or later; this is ${process.version} (${process.execPath})`);
  process.exit(1);
}
