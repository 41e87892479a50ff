/** The least that the functions framework takes: one trigger, and nothing in it. */
import { cloudEvent } from '@google-cloud/functions-framework';

cloudEvent('rotate', async () => {});
