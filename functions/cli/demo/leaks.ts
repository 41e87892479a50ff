/** How many of `secrets` occur in the server's log, as they are or in base64. */
export function findInLog(log: readonly string[], secrets: readonly string[]): number {
  const text = log.join('\n');
  return secrets.filter((secret) => {
    // Base64 of a text inside a longer one can start at any of three offsets; the two outer characters of each depend on neighbours.
    const encoded = [0, 1, 2].map((offset) =>
      Buffer.from(`${'x'.repeat(offset)}${secret}`)
        .toString('base64')
        .replace(/=+$/, '')
        .slice(offset === 0 ? 0 : offset + 1, -1),
    );
    return [secret, ...encoded].some((form) => text.includes(form));
  }).length;
}
