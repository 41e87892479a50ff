export { createScanner } from './scanner.ts';
export { createViewer, viewOf, type Viewer } from './view-of.ts';
