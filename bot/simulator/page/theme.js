// Light or dark, before the first paint; a classic script, because a module would run after it.
(function () {
  "use strict";
  const key = "deskhand.theme";
  const root = document.documentElement;
  const system = window.matchMedia("(prefers-color-scheme: dark)");

  function stored() {
    try {
      return window.localStorage.getItem(key);
    } catch {
      return null; // Storage may be forbidden; the system's choice serves.
    }
  }

  function isDark() {
    return root.dataset.theme ? root.dataset.theme === "dark" : system.matches;
  }

  function describe() {
    const button = document.getElementById("theme-toggle");
    if (button) button.setAttribute("aria-pressed", String(isDark()));
  }

  function toggle() {
    root.dataset.theme = isDark() ? "light" : "dark";
    try {
      window.localStorage.setItem(key, root.dataset.theme);
    } catch {
      // It then lasts until the page is left.
    }
    describe();
  }

  const choice = stored();
  if (choice === "dark" || choice === "light") root.dataset.theme = choice;
  system.addEventListener("change", describe);
  document.addEventListener("DOMContentLoaded", () => {
    document.getElementById("theme-toggle").addEventListener("click", toggle);
    describe();
  });
})();
