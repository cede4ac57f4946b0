// The theme, light or dark: that of the system until the reader chooses another.

const NAMES = { auto: "Theme: system", light: "Theme: light", dark: "Theme: dark" };

export function theme(button) {
  const order = Object.keys(NAMES);
  let now = 0;
  const show = () => {
    document.documentElement.dataset.theme = order[now];
    button.textContent = NAMES[order[now]];
  };
  button.addEventListener("click", () => {
    now = (now + 1) % order.length;
    show();
  });
  button.hidden = false;
  show();
}
