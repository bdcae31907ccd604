// Sends the page's one form on, as a press of its button would.
document.getElementById("respond").submit();
