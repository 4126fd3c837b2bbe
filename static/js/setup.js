// The token of the set-up link, or of a shared one, stands in the fragment, which browsers send to nobody: put it into the form, and take it
// out of the address so that it stays out of the history too.
"use strict";

const field = document.getElementById("token");
if (field !== null && location.hash.length > 1) {
  field.value = decodeURIComponent(location.hash.slice(1));
  history.replaceState(null, "", location.pathname);
}
