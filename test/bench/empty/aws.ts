/** The least that Lambda takes. */
export const rotate = async (): Promise<void> => {};
