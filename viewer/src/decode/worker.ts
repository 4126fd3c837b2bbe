import { decode, type Image, type Job } from "./decode";

/** A question to the worker and its answer carry the same number. */
export interface Question {
  readonly id: number;
  readonly job: Job;
}

export type Answer = { readonly id: number } & ({ readonly image: Image | undefined } | { readonly error: string });

self.addEventListener("message", (event: MessageEvent<Question>) => {
  const { id, job } = event.data;
  decode(job).then(
    (image) => reply({ id, image }, image === undefined ? [] : [image.pixels.buffer as ArrayBuffer]),
    (error: unknown) => reply({ id, error: error instanceof Error ? error.message : "cannot be decoded" }, []),
  );
});

function reply(answer: Answer, transfer: Transferable[]): void {
  self.postMessage(answer, { transfer });
}
