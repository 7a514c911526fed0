// The page of a run that still goes on, which the run writes anew from time to time, loads itself again.

const kScroll = "lockstep-scroll";

function stored(name, value) {
  try {
    if (value === undefined) return sessionStorage.getItem(name);
    sessionStorage.setItem(name, value);
  } catch { /* storage may be off for local files: the page then begins at its top */ }
  return null;
}

function refreshEvery(seconds) {
  let timer = null;
  const start = () => {
    timer = setTimeout(() => {
      stored(kScroll, scrollY);
      location.reload();
    }, 1000 * seconds);
  };
  const made = toggle(`Renew every ${seconds} s`, true, (on) => {
    if (on) start(); else clearTimeout(timer);
  });
  made.id = "refresh";
  document.querySelector(".top").insertBefore(made, document.getElementById("theme"));
  start();
  const scroll = Number(stored(kScroll));
  if (scroll > 0) scrollTo({ top: scroll, behavior: "instant" });
  stored(kScroll, 0);
}
