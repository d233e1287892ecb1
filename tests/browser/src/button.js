// Whether there is a visible button of this id whose title has this word, in whatever shadow it stands. Presses it.
const [id, word] = arguments;
const find = root => {
  for (const element of root.querySelectorAll("*")) {
    const title = element.title || element.ariaLabel || "";
    const isIt = element.id === id && (word === "" || title.split(" ").includes(word));
    if (isIt && element.getClientRects().length > 0) return element;
    const inside = element.shadowRoot && find(element.shadowRoot);
    if (inside) return inside;
  }
};
const button = find(document);
button?.click();
return Boolean(button);
