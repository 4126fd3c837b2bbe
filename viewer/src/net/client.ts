import type { DataSet } from "../dicom/json";
import { firstPart, type Part } from "./multipart";

export type Trouble = "signed-out" | "missing" | "paused" | "damaged" | "unsupported" | "failed" | "unreachable";

/** An answer that is not the data; `retryAfter` is in seconds and belongs to `paused` and `unreachable`. */
export class RequestError extends Error {
  constructor(
    readonly trouble: Trouble,
    readonly retryAfter = 2,
  ) {
    super(trouble);
  }

  /** Whether it is worth asking again by itself: the server asked for patience, or the line is down. */
  get passes(): boolean {
    return this.trouble === "paused" || this.trouble === "unreachable";
  }
}

export type Use = "displayed" | "prefetched";

const STORED = "*";
export const UNCOMPRESSED = "1.2.840.10008.1.2.1";

/** A JSON answer (DICOM JSON or plain); an empty answer counts as an empty list. */
export async function getJson<T>(url: string): Promise<T> {
  const response = await request(url, { headers: { Accept: "application/dicom+json, application/json" } });
  const body = await response.text();
  return (body === "" ? [] : JSON.parse(body)) as T;
}

export const getDataSets = (url: string): Promise<DataSet[]> => getJson<DataSet[]>(url);

/** The bytes of one frame, as they are stored unless another transfer syntax is asked for. */
export async function getFrame(url: string, use: Use, signal: AbortSignal, syntax: string = STORED): Promise<Part> {
  const response = await request(url, {
    headers: { Accept: `multipart/related; type="application/octet-stream"; transfer-syntax=${syntax}`, "Custos-Use": use },
    priority: use === "displayed" ? "high" : "low",
    signal,
  });
  return firstPart(response.headers.get("Content-Type") ?? "", new Uint8Array(await response.arrayBuffer()));
}

/** The bytes behind a BulkDataURI. */
export async function getBulk(url: string): Promise<Uint8Array> {
  const response = await request(url, { headers: { Accept: 'multipart/related; type="application/octet-stream", application/octet-stream' } });
  return firstPart(response.headers.get("Content-Type") ?? "", new Uint8Array(await response.arrayBuffer())).bytes;
}

/** Hears when data stops flowing, for a time or because the person is signed out, and with null when it flows again. */
export type PauseListener = (pause: RequestError | null) => void;

/** Repeats a request until it is answered or refused for good. */
export async function patiently<T>(run: () => Promise<T>, listener: PauseListener): Promise<T> {
  for (let paused = false; ; paused = true) {
    try {
      const answer = await run();
      if (paused) listener(null);
      return answer;
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      if (error.passes || error.trouble === "signed-out") listener(error);
      if (!error.passes) throw error;
      await new Promise((resolve) => setTimeout(resolve, error.retryAfter * 1000));
    }
  }
}

async function request(url: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { credentials: "same-origin", redirect: "manual", ...init });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new RequestError("unreachable");
  }
  if (response.ok) return response;
  throw new RequestError(troubleOf(response), retryAfter(response));
}

/** A redirect means that the session is over and the server would rather show its sign-in page. */
function troubleOf(response: Response): Trouble {
  if (response.type === "opaqueredirect" || response.status === 401) return "signed-out";
  if (response.status === 503 || response.status === 429) return "paused";
  if (response.status === 422) return "damaged";
  if (response.status >= 500) return "failed";
  return "missing";
}

function retryAfter(response: Response): number {
  const seconds = Number(response.headers.get("Retry-After"));
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, 60) : 2;
}
