// Signals: a viewer of all stretches of a record, in place of the figure of one stretch. The stretches follow each other
// on one axis, in milliseconds. The file of a stretch is loaded when the window shows it. Places are those of strip.py.
(() => {
  "use strict";
  const LEFT = 11, WIDE = 87, EDGE = 0.96, TOP = 34, HIGH = 130, WHOLE = 212;
  const LANES = { kind: 13, true: 24, missed: 24, found: TOP + HIGH + 12, extra: TOP + HIGH + 12 };
  const SIGNS = { true: "M-4-4H4L0 4Z", missed: "M-4-4 4 4M4-4-4 4", found: "M0-4 4 4H-4Z", extra: "M0-5 5 0 0 5-5 0Z" };
  const TICK = "M0-4V4";  // a hit of the usual kind, where signs would overlap
  const SPANS = [2000, 10000, 60000], TICKS = { 2000: 500, 10000: 2000, 60000: 10000 };

  const limit = (value, low, high) => Math.min(Math.max(value, low), Math.max(low, high));

  function put(one, given, children) {
    for (const [name, value] of Object.entries(given)) one.setAttribute(name, value);
    one.append(...children);
    return one;
  }
  const make = (name, given = {}, ...children) => put(document.createElement(name), given, children);
  const shape = (name, given = {}, ...children) => put(document.createElementNS("http://www.w3.org/2000/svg", name), given, children);

  // Minutes and seconds; a fraction of a second is shown if there is one.
  function clock(ms) {
    const whole = Math.floor(ms / 1000), rest = Math.round(ms - 1000 * whole), two = (n) => String(n).padStart(2, "0");
    const minutes = Math.floor(whole / 60), hours = Math.floor(minutes / 60);
    const fraction = rest ? `.${String(rest).padStart(3, "0").replace(/0+$/, "")}` : "";
    return `${hours ? `${hours}:${two(minutes % 60)}` : minutes}:${two(whole % 60)}${fraction}`;
  }

  // The round step (1, 2 or 5 times a power of ten) that gives about three numbers.
  function step(range) {
    const size = 10 ** Math.floor(Math.log10(range / 3));
    return size * [1, 2, 5, 10].find((factor) => factor * size >= range / 3 * 0.999);
  }

  // The stretches with their places on the axis, and all marks in the order of time.
  function read(home) {
    let end = 0;
    const stretches = JSON.parse(home.dataset.stretches).map(([file, start, stop, truth, found]) => {
      const one = { file, start, truth, found, from: end, to: end + stop - start };
      end = one.to;
      return one;
    });
    const marks = stretches.flatMap((one) => [
      ...one.truth.map(([at, kind, hit]) => ({ at: limit(one.from + at, one.from, one.to), kind, hit, what: hit ? "true" : "missed" })),
      ...one.found.map(([at, hit]) => ({ at: limit(one.from + at, one.from, one.to), kind: 0, hit, what: hit ? "found" : "extra" })),
    ]).sort((a, b) => a.at - b.at);
    return { stretches, marks, end };
  }

  function view(home) {
    const { stretches, marks, end } = read(home), kinds = JSON.parse(home.dataset.kinds);
    const spans = SPANS.filter((one, n) => !n || SPANS[n - 1] < end);
    const errors = marks.filter((mark) => !mark.hit), others = marks.filter((mark) => mark.kind);
    const place = home.closest(".repro-signals"), loaded = new Map();
    let span = spans[Math.min(1, spans.length - 1)], left = stretches[home.dataset.first].from, here = null;
    const canvas = shape("svg", { class: "repro-signal", width: "100%", height: WHOLE, role: "img" });
    const box = make("div", { class: "repro-viewer-window", tabindex: 0, role: "group" }, canvas);
    const said = make("p", { class: "repro-viewer-said", "aria-live": "polite" });
    const fault = make("p", { class: "repro-viewer-fault", role: "status" });
    const slider = make("input", { type: "range", min: 0, step: 100, "aria-label": "position in the signal" });

    // The time of a place on the axis; of its end, the end of the last stretch.
    function time(at, ends = false) {
      const one = stretches.find(({ to }) => (ends ? at <= to : at < to)) ?? stretches[stretches.length - 1];
      return one.start + at - one.from;
    }

    // One request per file; a file that fails is asked for again when it is shown again.
    function load(one) {
      if (!loaded.has(one.file)) {
        const address = home.dataset.folder + encodeURIComponent(one.file);
        loaded.set(one.file, fetch(address).then((reply) => {
          if (!reply.ok) throw new Error(reply.statusText);
          return reply.json();
        }).then((signal) => { one.signal = signal; }).catch((error) => { loaded.delete(one.file); throw error; }));
      }
      return loaded.get(one.file);
    }

    const visible = () => stretches.filter((one) => one.from < left + span && one.to > left);
    const x = (at) => `${(LEFT + WIDE * (at - left) / span).toFixed(3)}%`;

    // The values in the window as lines, each point as [place from 0 to 1000, value]; a gap starts a new line.
    function lines() {
      const found = [];
      for (const { signal, from } of visible().filter((one) => one.signal)) {
        let open = null;
        signal.values.forEach((value, n) => {
          const across = 1000 * (from + 1000 * (n + 0.5) / signal.rate - left) / span;
          if (value === null || across < -10 || across > 1010) { open = null; return; }
          if (!open) found.push(open = []);
          open.push([limit(across, 0, 1000), signal.offset + signal.scale * value]);
        });
      }
      return found;
    }

    function axes(low, high) {
      const unit = visible().find((one) => one.signal)?.signal.unit ?? "", parts = [];
      parts.push(shape("text", { x: 0, y: LANES.kind, class: "name" }, unit));
      const by = step(high - low), digits = Math.max(0, -Math.floor(Math.log10(by)));
      for (let n = Math.ceil(low / by); n * by <= high; n++) {
        const y = TOP + HIGH * (1 - (n * by - low) / (high - low));
        parts.push(shape("line", { x1: `${LEFT}%`, x2: `${LEFT + WIDE}%`, y1: y, y2: y, class: "grid" }));
        parts.push(shape("text", { x: `${LEFT - 1}%`, y, dy: 4, "text-anchor": "end" }, (n * by).toFixed(Math.min(digits, 9)).replace("-", "−")));
      }
      for (const one of visible()) {
        for (let t = Math.ceil((one.start + Math.max(0, left - one.from)) / TICKS[span]) * TICKS[span]; t < one.start + one.to - one.from; t += TICKS[span]) {
          const at = one.from + t - one.start;
          if (at > left + span) break;
          parts.push(shape("line", { x1: x(at), x2: x(at), y1: TOP, y2: TOP + HIGH, class: "grid" }));
          parts.push(shape("text", { x: x(at), y: WHOLE - 8, "text-anchor": at - left < EDGE * span ? "middle" : "end" }, clock(t)));
        }
        const before = stretches[stretches.indexOf(one) - 1];
        if (before && one.from > left && Math.abs(before.start + before.to - before.from - one.start) > 2) {
          parts.push(shape("line", { x1: x(one.from), x2: x(one.from), y1: 0, y2: WHOLE - 24, class: "cut" }));
        }
      }
      return parts;
    }

    function signs() {
      return marks.filter((mark) => mark.at >= left && mark.at <= left + span).flatMap((mark) => {
        const parts = [], down = { x1: x(mark.at), x2: x(mark.at), y1: TOP, y2: TOP + HIGH };
        if (mark === here) parts.push(shape("line", { ...down, y1: 0, y2: WHOLE - 24, class: "here" }));
        if (!mark.hit) parts.push(shape("line", { ...down, class: "wrong" }));
        if (mark.kind) parts.push(shape("text", { x: x(mark.at), y: LANES.kind, "text-anchor": "middle", class: "kind" }, kinds[mark.kind].slice(0, 3)));
        const small = span > 20000 && mark.hit && !mark.kind;
        const sign = shape("path", { d: small ? TICK : SIGNS[mark.what], class: small ? `${mark.what} small` : mark.what });
        return [...parts, shape("svg", { x: x(mark.at), y: LANES[mark.what], overflow: "visible" }, sign)];
      });
    }

    function draw() {
      const drawn = lines(), values = drawn.flat().map((point) => point[1]);
      const bottom = values.length ? values.reduce((a, b) => Math.min(a, b)) : 0, top = values.length ? values.reduce((a, b) => Math.max(a, b)) : 1;
      const room = (top - bottom) * 0.06 || Math.abs(top) * 0.1 || 1, low = bottom - room, high = top + room;
      const path = drawn.map((line) => `M${line.map(([across, value]) => `${across.toFixed(1)} ${(1000 * (high - value) / (high - low)).toFixed(0)}`).join("L")}`).join("");
      const signal = shape("svg", { viewBox: "0 0 1000 1000", preserveAspectRatio: "none", x: `${LEFT}%`, y: TOP, width: `${WIDE}%`, height: HIGH });
      signal.append(shape("path", { d: path, class: "line" }));
      canvas.replaceChildren(...axes(low, high), ...signs(), signal);
    }

    function tell(jumped) {
      const seen = marks.filter((mark) => mark.at >= left && mark.at <= left + span);
      const many = (...what) => seen.filter((mark) => what.includes(mark.what)).length;
      const range = `${clock(time(left))} to ${clock(time(Math.min(left + span, end), true))}`;
      const counts = `${many("true", "missed")} true marks, ${many("missed")} missed; ${many("extra")} extra`;
      said.textContent = `${jumped ? `${jumped} ` : ""}${range}: ${counts}.`;
      canvas.setAttribute("aria-label", `Signal with marks, ${range}`);
      slider.setAttribute("aria-valuetext", clock(time(left)));
    }

    async function show(jumped = "") {
      left = limit(Math.round(left / 100) * 100, 0, end - span);
      slider.max = Math.max(0, end - span);
      slider.value = left;
      slider.hidden = end <= span;
      for (const button of zooms) button.setAttribute("aria-pressed", String(Number(button.dataset.span) === span));
      back.setAttribute("aria-disabled", String(left <= 0));
      next.setAttribute("aria-disabled", String(left + span >= end));
      tell(jumped);
      draw();
      const asked = visible().filter((one) => !one.signal);
      const done = await Promise.allSettled(asked.map(load));
      const failed = asked.filter((_, n) => done[n].status === "rejected").map((one) => one.file);
      fault.textContent = failed.length ? `Not loaded: ${failed.join(", ")}.` : "";
      if (asked.length) draw();
    }

    function move(by) { left += by * span; here = null; show(); }
    function zoom(to) {
      const middle = here && here.at >= left && here.at <= left + span ? here.at : left + span / 2;
      span = to;
      left = middle - span / 2;
      show();
    }
    function jump(mark, name) {
      here = mark;
      left = mark.at - span / 2;
      show(`${name}: ${mark.what === "extra" ? "extra mark" : `${mark.what} mark${kinds[mark.kind] ? `, ${kinds[mark.kind]},` : ""}`} at ${clock(time(mark.at))}.`);
    }
    // The next mark of a list after the one that was jumped to, or from the left edge on; after the last one the first.
    function after(list, name) {
      if (!list.length) return;
      const next = list.includes(here) ? list[(list.indexOf(here) + 1) % list.length] : null;
      const mark = next ?? list.find(({ at }) => at >= (here ? here.at : left)) ?? list[0];
      jump(mark, `${name} ${list.indexOf(mark) + 1} of ${list.length}`);
    }

    const button = (text, act, given = {}) => {
      const made = make("button", { type: "button", ...given }, text);
      made.addEventListener("click", () => { if (made.getAttribute("aria-disabled") !== "true") act(); });
      return made;
    };
    const back = button("← previous", () => move(-1)), next = button("next →", () => move(1));
    const zooms = spans.map((one) => button(`${one / 1000} s`, () => zoom(one), { "data-span": one, "aria-label": `show ${one / 1000} seconds` }));
    const nextError = () => after(errors, "Error"), nextOther = () => after(others, "Mark");
    const finds = [
      ...(errors.length ? [button("next error", nextError, { class: "error" })] : []),
      ...(others.length ? [button(`next mark that is not ${kinds[0]}`, nextOther, { class: "other" })] : []),
    ];
    const keys = {
      ArrowLeft: () => move(-0.25), ArrowRight: () => move(0.25), PageUp: () => move(-1), PageDown: () => move(1),
      Home: () => { left = 0; move(0); }, End: () => { left = end; move(0); },
      "+": () => zoom(spans[Math.max(0, spans.indexOf(span) - 1)]), "-": () => zoom(spans[Math.min(spans.length - 1, spans.indexOf(span) + 1)]),
      e: nextError, k: nextOther,
    };
    home.addEventListener("keydown", (event) => {
      const act = event.ctrlKey || event.metaKey || event.altKey || (event.target === slider && event.key.length > 1) ? null : keys[event.key];
      if (!act) return;
      event.preventDefault();
      act();
    });
    slider.addEventListener("input", () => { left = Number(slider.value); here = null; show(); });
    box.addEventListener("pointerdown", (event) => {  // drag the signal
      const first = event.clientX, start = left, wide = WIDE / 100 * canvas.getBoundingClientRect().width;
      const drag = (moved) => { left = start - (moved.clientX - first) / wide * span; here = null; show(); };
      box.setPointerCapture(event.pointerId);
      box.addEventListener("pointermove", drag);
      const drop = () => box.removeEventListener("pointermove", drag);
      for (const name of ["pointerup", "pointercancel"]) box.addEventListener(name, drop, { once: true });
    });

    // A click on a row of the table of errors shows that error; its time becomes a button, for the keyboard.
    function rows() {
      for (const line of place.querySelectorAll("tr[data-at]")) {
        const head = line.cells[0], go = make("button", { type: "button", class: "repro-signal-go", "aria-label": `show the error at ${head.textContent}` }, head.textContent);
        head.replaceChildren(go);
        line.addEventListener("click", () => {
          const what = line.cells[1].textContent;
          const mark = errors.find((one) => one.at === Number(line.dataset.at) && one.what === what);
          if (!mark) return;
          jump(mark, "Error");
          box.focus();
          box.scrollIntoView({ block: "nearest" });
        });
      }
    }

    async function start() {
      const group = (label, ...parts) => make("div", { role: "group", "aria-label": label }, ...parts);
      const first = visible()[0];
      try {
        await load(first);
      } catch {
        const why = location.protocol === "file:" ? "it needs a web server, such as python -m http.server" : `${first.file} cannot be loaded`;
        home.append(make("p", { class: "repro-muted" }, `The viewer of all stretches is not shown: ${why}.`));
        return;
      }
      box.setAttribute("aria-label", "Signal. Arrow keys move, plus and minus zoom, E shows the next error, K the next mark of another kind.");
      const bar = make("div", { class: "repro-viewer-bar" }, group("move", back, next), group("zoom", ...zooms), group("find", ...finds));
      home.append(bar, box, slider, said, fault, make("p", { class: "repro-muted" }, "Keys: ← → move, + − zoom, E next error, K next mark of another kind."));
      place.querySelector("figure").hidden = true;
      rows();
      show();
    }
    start();
  }

  // A viewer starts when its figure is near the visible part of the page, so that a folded one loads nothing.
  const near = new IntersectionObserver((seen) => {
    for (const one of seen.filter((entry) => entry.isIntersecting)) {
      near.unobserve(one.target);
      view(one.target.parentElement.querySelector(".repro-viewer"));
    }
  }, { rootMargin: "300px" });
  for (const home of document.querySelectorAll(".repro-viewer")) near.observe(home.parentElement.querySelector("figure"));
})();
