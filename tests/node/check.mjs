// Slack's own Node clients, driven by ../bot/simulator/test_node.py: answers a mention by a post and
// a stream, opens a modal for a command, and prints a JSON line for each thing that it has seen.

import { SocketModeClient } from "@slack/socket-mode";
import { WebClient } from "@slack/web-api";

const { SLACK_API_URL, SLACK_APP_TOKEN, SLACK_BOT_TOKEN } = process.env;
const clientOptions = { slackApiUrl: SLACK_API_URL };
const web = new WebClient(SLACK_BOT_TOKEN, { ...clientOptions, retryConfig: { retries: 0 } });
const socket = new SocketModeClient({
  appToken: SLACK_APP_TOKEN,
  clientOptions,
  clientPingTimeout: 500,
});

const say = (seen, fields = {}) => console.log(JSON.stringify({ seen, ...fields }));
const text = (words) => ({ type: "plain_text", text: words });
const modal = {
  type: "modal",
  callback_id: "ask",
  title: text("Ask"),
  submit: text("Ask"),
  blocks: [
    {
      type: "input",
      block_id: "question",
      label: text("Question"),
      element: { type: "plain_text_input", action_id: "typed" },
    },
  ],
};

async function answer(event, team) {
  const place = { channel: event.channel, thread_ts: event.ts };
  await web.assistant.threads.setStatus({
    channel_id: event.channel,
    thread_ts: event.ts,
    status: "is searching…",
  });
  await web.chat.postMessage({ ...place, text: "Found." });
  const stream = web.chatStream({
    ...place,
    recipient_team_id: team,
    recipient_user_id: event.user,
    buffer_size: 4,
  });
  await stream.append({ markdown_text: "Press " });
  await stream.append({ markdown_text: "**Start**." });
  await stream.stop();
  say("answered", { ts: event.ts });
}

socket.on("connected", () => say("connected"));
socket.on("app_mention", async ({ ack, event, body, retry_num }) => {
  await ack();
  say("mention", { ts: event.ts, retry: retry_num });
  await answer(event, body.team_id);
});
socket.on("slash_commands", async ({ ack, body }) => {
  await ack({ text: "A form opens." });
  const { view } = await web.views.open({ trigger_id: body.trigger_id, view: modal });
  const failure = await web.chat
    .postMessage({ channel: "C0OUT", text: "hi" })
    .catch((error) => error.data.error);
  say("command", { view: view.id, failure });
});
socket.on("interactive", async ({ ack, body }) => {
  const typed = body.view.state.values.question.typed.value;
  if (typed === "wrong") {
    await ack({ response_action: "errors", errors: { question: "Say it differently." } });
  } else {
    await ack();
    say("submission", { typed });
  }
});

process.stdin.on("end", () => socket.disconnect().then(() => process.exit(0)));
process.stdin.resume();
await socket.start();
