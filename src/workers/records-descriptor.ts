/** The file descriptor on which a worker writes its records, one line of JSON each, for the primary. */
export const recordsDescriptor = 3
