/** The least that the Azure Functions host takes: one trigger, and nothing in it. */
import { app } from '@azure/functions';

app.eventGrid('rotate', { handler: async () => {} });
