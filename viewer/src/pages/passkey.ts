/**
 * Forms that a passkey fills in: the server says what it wants signed, the browser asks the person, and the answer goes on as a plain form.
 * They stay hidden where a browser knows no passkeys; a code is always the other way.
 */
export function passkeys(): void {
  if (window.PublicKeyCredential === undefined) return;
  for (const form of document.querySelectorAll<HTMLFormElement>("form[data-passkey]")) {
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      const field = form.elements.namedItem("credential") as HTMLInputElement;
      if (field.value !== "") return;
      event.preventDefault();
      void fill(form, field);
    });
  }
}

async function fill(form: HTMLFormElement, field: HTMLInputElement): Promise<void> {
  const failed = form.querySelector<HTMLElement>("[data-failed]");
  if (failed !== null) failed.hidden = true;
  try {
    const token = form.querySelector<HTMLInputElement>("[name=csrfmiddlewaretoken]")?.value ?? "";
    field.value = await credential(form.dataset["options"] ?? "", token, form.dataset["passkey"] === "create");
    form.submit();
  } catch {
    // Whoever cancelled knows why; the words are the same for everything else.
    if (failed !== null) failed.hidden = false;
  } finally {
    delete form.dataset["sent"];
  }
}

interface Described {
  type: "public-key";
  id: string;
  transports?: AuthenticatorTransport[];
}

interface Options {
  challenge: string;
  timeout: number;
  rpId: string;
  allowCredentials: Described[];
  userVerification: UserVerificationRequirement;
  rp: PublicKeyCredentialRpEntity;
  user: { id: string; name: string; displayName: string };
  pubKeyCredParams: PublicKeyCredentialParameters[];
  excludeCredentials: Described[];
  authenticatorSelection: AuthenticatorSelectionCriteria;
  attestation: AttestationConveyancePreference;
}

/** Has the browser make or use a passkey as the server says at this address; what to send back. Throws when it does not come to that. */
export async function credential(url: string, token: string, make = false): Promise<string> {
  const options = await asked(url, token);
  const found = make ? await navigator.credentials.create({ publicKey: creation(options) }) : await navigator.credentials.get({ publicKey: request(options) });
  return JSON.stringify(answer(found as PublicKeyCredential));
}

async function asked(url: string, token: string): Promise<Options> {
  const reply = await fetch(url, {
    method: "POST",
    headers: { "X-CSRFToken": token },
    credentials: "same-origin",
    redirect: "manual",
  });
  // The session has ended, or the second factor is no longer fresh: the page itself asks for what is missing.
  if (reply.type === "opaqueredirect") window.location.reload();
  if (!reply.ok) throw new Error(String(reply.status));
  return (await reply.json()) as Options;
}

const described = (list: Described[]): PublicKeyCredentialDescriptor[] => list.map((one) => ({ ...one, id: bytes(one.id) }));

const creation = (options: Options): PublicKeyCredentialCreationOptions => ({
  ...options,
  challenge: bytes(options.challenge),
  user: { ...options.user, id: bytes(options.user.id) },
  excludeCredentials: described(options.excludeCredentials),
});

const request = (options: Options): PublicKeyCredentialRequestOptions => ({
  ...options,
  challenge: bytes(options.challenge),
  allowCredentials: described(options.allowCredentials),
});

/** What the server reads, in the form that WebAuthn gives to JSON; written here because not every browser does it. */
function answer(found: PublicKeyCredential): object {
  const given = found.response as AuthenticatorAttestationResponse & AuthenticatorAssertionResponse;
  const response: Record<string, unknown> = { clientDataJSON: text(given.clientDataJSON) };
  if (given.attestationObject !== undefined) {
    response["attestationObject"] = text(given.attestationObject);
    response["transports"] = given.getTransports?.() ?? [];
  } else {
    response["authenticatorData"] = text(given.authenticatorData);
    response["signature"] = text(given.signature);
    if (given.userHandle) response["userHandle"] = text(given.userHandle);
  }
  return { id: found.id, rawId: text(found.rawId), type: found.type, response };
}

/** Bytes as base64url without padding, and back. */
export function text(buffer: ArrayBuffer): string {
  const letters = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join("");
  return btoa(letters).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

export function bytes(value: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(value.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
}
