// The rules of the house that docs/architecture.md states, as a lint plugin: who may import whom, and through which door.
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '../..');
const VENDOR_ROOMS = new Set(['stores', 'state', 'targets', 'alerts', 'hosts', 'trails']);
// Packages that any file in shared/ may import: pure, vendor-neutral libraries.
const NEUTRAL = new Set(['zod', 'yaml', 'croner', 'jose']);

function roomOf(file) {
  const parts = path.relative(ROOT, file).split(path.sep);
  return { top: parts[0], room: parts.length > 2 ? parts[1] : undefined, rest: parts.slice(2).join('/') };
}

const imports = {
  create(context) {
    const here = roomOf(context.filename ?? context.getFilename());
    const isTest = (context.filename ?? context.getFilename()).endsWith('.test.ts');
    function check(node, source, typeOnly) {
      const name = source?.value;
      if (typeof name !== 'string' || here.top === undefined) return;
      if (name.startsWith('.')) {
        const there = roomOf(path.resolve(path.dirname(context.filename ?? context.getFilename()), name));
        if (here.top === 'shared' && there.top !== 'shared' && !isTest) {
          context.report({ node, message: `shared/ may not import ${there.top}/: the core never reaches up.` });
        }
        const elsewhere =
          there.top === 'shared' && there.room !== undefined && (here.top !== 'shared' || here.room !== there.room);
        // A function takes its own host and no other: a door for all three would load all three.
        const ownHost = here.top === 'functions' && there.room === 'hosts';
        if (elsewhere && there.rest !== 'index.ts' && here.top !== 'test' && !ownHost) {
          context.report({ node, message: `Enter shared/${there.room} through its index.ts.` });
        }
        return;
      }
      if (here.top !== 'shared' || name.startsWith('node:') || typeOnly || isTest) return;
      const pkg = name.startsWith('@') ? name.split('/').slice(0, 2).join('/') : name.split('/')[0];
      if (!NEUTRAL.has(pkg) && !VENDOR_ROOMS.has(here.room)) {
        context.report({
          node,
          message: `Only stores/, state/, targets/, alerts/, trails/ and hosts/ may import a vendor's package (${pkg}).`,
        });
      }
    }
    return {
      ImportDeclaration: (node) => check(node, node.source, node.importKind === 'type'),
      ExportNamedDeclaration: (node) => check(node, node.source, node.exportKind === 'type'),
      ExportAllDeclaration: (node) => check(node, node.source, node.exportKind === 'type'),
      ImportExpression: (node) => check(node, node.source, false),
    };
  },
};

// Decision code takes time and chance from its Deps, so that one seed replays everything.
const pure = {
  create(context) {
    const report = (node, what) => context.report({ node, message: `Decision code is pure: ${what} must come in from outside.` });
    return {
      ThisExpression: (node) => report(node, '`this` has no place here; state'),
      NewExpression(node) {
        if (node.callee.name === 'Date' && node.arguments.length === 0) report(node, 'the clock');
      },
      CallExpression(node) {
        const callee = node.callee;
        if (callee.type !== 'MemberExpression') return;
        const text = `${callee.object.name}.${callee.property.name}`;
        if (text === 'Date.now' || text === 'performance.now') report(node, 'the clock');
        if (text === 'Math.random' || text === 'crypto.randomUUID') report(node, 'randomness');
      },
      ImportDeclaration(node) {
        // What only computes with addresses does no I/O.
        const computes = node.specifiers.every((each) => /^(BlockList|isIP|isIPv4|isIPv6)$/.test(each.imported?.name ?? ''));
        if (node.source.value === 'node:net' && computes) return;
        if (/^node:(fs|net|http|https|tls|child_process|timers)/.test(node.source.value)) report(node, node.source.value);
      },
    };
  },
};

const MAX_LINES = 350;
const size = {
  create(context) {
    return {
      Program(node) {
        const lines = context.sourceCode.text.split('\n').length;
        if (lines > MAX_LINES) context.report({ node, message: `One subject a file: ${lines} lines, more than ${MAX_LINES}.` });
      },
    };
  },
};

export default { meta: { name: 'house' }, rules: { imports, pure, size } };
