// A queue whose items are not moved when one is taken.
export class Queue {
  #items = [];
  #head = 0;

  get length() {
    return this.#items.length - this.#head;
  }

  push(item) {
    this.#items.push(item);
  }

  shift() {
    const item = this.#items[this.#head];
    this.#items[this.#head++] = undefined;
    if (this.#head === this.#items.length) this.clear();
    return item;
  }

  clear() {
    this.#items.length = 0;
    this.#head = 0;
  }
}
