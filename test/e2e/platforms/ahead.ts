/**
 * When the store says that it asked. An event counts as answered by a rotation that began up to five minutes before it, since deliveries come
 * twice and no store asks more often than once an hour. Here rotations follow each other within seconds, so the store's clock is told ahead.
 */
export const ahead = (count: number): Date => new Date(Date.now() + count * 6 * 60_000);
