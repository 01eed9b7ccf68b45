// Films. One is begun, looked after until it is done, and then fetched.

import { h, labelled } from "./dom.js";
import { given, prompt } from "./fields.js";
import { ApiError } from "./session.js";

const PATH = "v1/videos";
const FIRST_LOOK = 1;
const LONGEST_PAUSE = 5;
const UNDER_WAY = ["queued", "in_progress"];
const PROGRAM = {
  call: "videos.create",
  modules: ["time"],
  python: `while answer.status in ("queued", "in_progress"):
    time.sleep(5)
    answer = client.videos.retrieve(answer.id)
client.videos.download_content(answer.id).write_to_file("film.mp4")`,
  node: `let film = answer;
while (film.status === "queued" || film.status === "in_progress") {
  await new Promise((resolve) => setTimeout(resolve, 5000));
  film = await client.videos.retrieve(film.id);
}
const content = await client.videos.downloadContent(film.id);
fs.writeFileSync("film.mp4", Buffer.from(await content.arrayBuffer()));`,
  next: [
    ["With the id of the answer, until its status is completed:", `${PATH}/VIDEO_ID`],
    ["Then:", `${PATH}/VIDEO_ID/content`, "-o film.mp4"],
  ],
};

export class Craft {
  #prompt = prompt("prompt");
  main = [labelled("prompt.video", this.#prompt)];
  inputs = [h("input", { name: "seconds", inputmode: "numeric", pattern: "[0-9]{1,3}" }), h("input", { name: "size", pattern: "[0-9]+x[0-9]+" })];
  suggestions = { seconds: ["4", "8", "12"], size: ["720x1280", "1280x720", "1024x1792", "1792x1024"] };

  about() {
    return this.#prompt.value;
  }

  request(model) {
    return { path: PATH, body: { model, prompt: this.#prompt.value, ...given(this.inputs) }, program: PROGRAM };
  }

  async make(exchange, result) {
    const job = await finished(exchange, result);
    if (job.status !== "completed") throw new ApiError(0, job.error?.code ?? job.status, job.error?.message ?? "");
    const film = await exchange.blob(`${pathOf(job)}/content`);
    const url = result.url(film);
    const player = h("video", { controls: true, loop: true, playsinline: true, src: url, label: "kind.video" });
    result.add(player.canPlayType(film.type) && player, result.download(url, `film.${film.type === "video/webm" ? "webm" : "mp4"}`));
  }
}

/** The job as it is at its end. The pauses between two looks grow: a film may take minutes. */
async function finished(exchange, result) {
  let job = await exchange.json(PATH, { body: exchange.outcome.request.body });
  for (let pause = FIRST_LOOK; UNDER_WAY.includes(job.status); pause = Math.min(pause * 1.5, LONGEST_PAUSE)) {
    result.progress(job.progress, `video.${job.status}`);
    await exchange.pause(pause);
    job = await exchange.json(pathOf(job));
  }
  return job;
}

function pathOf({ id }) {
  return `${PATH}/${encodeURIComponent(id)}`;
}
