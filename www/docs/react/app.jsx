// A form in React 19 whose answer the widget writes: properties and events of the element are used as they are.

import { useRef, useState } from "react";
import { createRoot } from "react-dom/client";

function App() {
  const chat = useRef(null);
  const [ready, setReady] = useState(false);
  const [words, setWords] = useState(0);
  const [sent, setSent] = useState("");

  function send(event) {
    event.preventDefault();
    setSent(String(new FormData(event.currentTarget).get("answer") ?? ""));
  }

  return (
    <form onSubmit={send}>
      <h1>A summary, written here</h1>
      <nomoat-chat
        ref={chat}
        name="answer"
        model="HuggingFaceTB/SmolLM2-135M-Instruct"
        system="Answer in one sentence."
        maxTokens={200}
        required={true}
        onnm-ready={() => setReady(true)}
        onnm-token={() => setWords((count) => count + 1)}
      />
      <p>
        <button type="button" disabled={!ready} onClick={() => chat.current.send("What is a web page?")}>
          Ask for me
        </button>{" "}
        <button>Send the form</button>
      </p>
      <p>{words} pieces of text so far.</p>
      <output>{sent}</output>
    </form>
  );
}

createRoot(document.querySelector("#app")).render(<App />);
