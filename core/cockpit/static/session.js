// The key, and every request that carries it. It lives in memory, or in the tab's session storage if that is asked for.

const KEPT = "any2api.key";

class Session extends EventTarget {
  #key = "";
  #open = false;
  #address = "";

  /** Where this page stands, with its slash at the end. All its requests go there. */
  get root() {
    return new URL(".", location.href).href;
  }

  /** The address for clients, with its slash at the end: the configured one, else that of this page. */
  get endpoint() {
    return this.#address ? `${this.#address}/` : this.root;
  }

  get key() {
    return this.#key;
  }

  /** The key that this tab kept, if it was asked to. */
  recall() {
    try {
      return sessionStorage.getItem(KEPT) ?? "";
    } catch {
      return "";
    }
  }

  /** Try a key. Throws `ApiError` where it does not open. */
  async unlock(key, keep) {
    this.#key = key;
    try {
      this.#address = (await this.json("api/status")).url ?? "";
      if (keep) sessionStorage.setItem(KEPT, key);
      this.#open = true;
      this.dispatchEvent(new Event("unlocked"));
    } catch (error) {
      this.#forget();
      throw error;
    }
  }

  /** Forget the key. `reason` names the words for why. */
  lock(reason = "") {
    this.#forget();
    this.dispatchEvent(new CustomEvent("locked", { detail: reason }));
  }

  async json(path) {
    return (await this.request(path)).json();
  }

  /** A request to this endpoint, with `body` as JSON or a form. Throws `ApiError` for a refusal, and locks where it was the key's. */
  async request(path, { body, form, signal } = {}) {
    const headers = { Authorization: `Bearer ${this.#key}` };
    if (body && !form) headers["Content-Type"] = "application/json";
    const options = { headers, signal, cache: "no-store", credentials: "omit", redirect: "error" };
    if (body) Object.assign(options, { method: "POST", body: form ? asForm(body) : JSON.stringify(body) });
    let answer;
    try {
      answer = await fetch(new URL(path, this.root), options);
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new ApiError(0, "unreachable", "");
    }
    if (answer.ok) return answer;
    const refusal = await ApiError.read(answer);
    if (answer.status === 401 && this.#open) this.lock("locked.expired");
    throw refusal;
  }

  #forget() {
    this.#key = this.#address = "";
    this.#open = false;
    try {
      sessionStorage.removeItem(KEPT);
    } catch { /* nothing was kept */ }
  }
}

function asForm(body) {
  const form = new FormData();
  for (const [name, value] of Object.entries(body)) form.append(name, value);
  return form;
}

/** What the endpoint refused: OpenAI's error object with its status. `raw` is the body as it came, `id` the request's. */
export class ApiError extends Error {
  constructor(status, code, message, raw = "", id = null) {
    super(message);
    Object.assign(this, { status, code, raw, id });
  }

  static async read(answer) {
    const raw = await answer.text().catch(() => "");
    const id = answer.headers.get("x-request-id");
    try {
      const { code, type, message } = JSON.parse(raw).error;
      return new ApiError(answer.status, code ?? type, message, raw, id);
    } catch {
      return new ApiError(answer.status, "", raw.slice(0, 300), raw, id);
    }
  }

  toString() {
    return [this.status || "", this.code, this.message].filter(Boolean).join(" · ");
  }
}

export const session = new Session();
