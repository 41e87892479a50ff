export { announce, openExpected, type Announcement, type Expected } from './announce.ts';
