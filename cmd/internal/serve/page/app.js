"use strict";

async function show() {
  const main = document.getElementById("rings");
  const answer = await fetch("api/v1/rings?brief=1");
  const snapshot = await answer.json();
  main.textContent = snapshot.rings.map((r) => r.name + " " + r.publisher).join("\n");
}

show();
