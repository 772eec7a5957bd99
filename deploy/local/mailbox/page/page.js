// Shows new mails without being asked: looks every two seconds while the page is seen and nobody is searching.
const shown = Number(document.body.dataset.count);
const searching = new URLSearchParams(location.search).has("search");
if (!searching) {
  setInterval(async () => {
    if (document.hidden || document.activeElement?.id === "search") return;
    const answer = await fetch("/api/messages").catch(() => null);
    if (answer?.ok && (await answer.json()).length !== shown) location.reload();
  }, 2000);
}
