"""The chart: well-formed, bars in proportion, the best first."""

import unittest
import xml.etree.ElementTree as ElementTree

from figures import latencies, memory, rates, results, whole_run

import chart

SVG = "{http://www.w3.org/2000/svg}"


def drawn(found):
    root = ElementTree.fromstring(chart.svg(found))
    boxes = [(rect.get("class"), float(rect.get("width"))) for rect in root.iter(f"{SVG}rect")]
    return root, boxes, [text.text for text in root.iter(f"{SVG}text")]


class Chart(unittest.TestCase):
    def test_bars_are_in_proportion_and_the_best_is_first(self):
        found = results(S2={"limit": rates(100, 100, 100), "weft": rates(50, 50, 50), "go": rates(75, 75, 75)})
        _, boxes, texts = drawn(found)
        self.assertEqual([style for style, _ in boxes], ["limit", "bar", "weft"])
        longest = boxes[0][1]
        self.assertAlmostEqual(boxes[1][1], 0.75 * longest, delta=0.1)
        self.assertAlmostEqual(boxes[2][1], 0.50 * longest, delta=0.1)
        self.assertIn("0.75", texts)

    def test_less_is_better_for_latencies_and_memory(self):
        found = results(S1_same={"limit": latencies(10, 10, 10), "weft": latencies(12, 12, 12),
                                 "caf": latencies(40, 40, 40)})
        _, boxes, _ = drawn(found)
        self.assertEqual([style for style, _ in boxes], ["limit", "weft", "bar"])
        self.assertEqual(max(boxes, key=lambda box: box[1])[0], "bar")
        found = results(S6_plain={"weft": [memory(2048)], "go": [memory(4096)]})
        _, boxes, texts = drawn(found)
        self.assertEqual([style for style, _ in boxes], ["weft", "bar"])
        self.assertIn("2.00", texts)

    def test_everything_lies_inside(self):
        root, _, _ = drawn(whole_run())
        width, height = float(root.get("width")), float(root.get("height"))
        for rect in root.iter(f"{SVG}rect"):
            self.assertLess(float(rect.get("x")) + float(rect.get("width")), width)
            self.assertLess(float(rect.get("y")) + float(rect.get("height")), height)
        for text in root.iter(f"{SVG}text"):
            self.assertLess(float(text.get("y")), height)

    def test_labels_fit_beside_their_bars(self):
        root, _, _ = drawn(whole_run())
        labels = [text for text in root.iter(f"{SVG}text") if text.get("text-anchor") == "end"]
        self.assertGreater(len(labels), 50)
        for label in labels:
            # 12 px sans-serif: 6.2 px for an average character.
            self.assertLess(6.2 * len(label.text), chart.LABEL_WIDTH, label.text)

    def test_it_follows_the_colours_of_the_page(self):
        self.assertIn("prefers-color-scheme: dark", chart.svg(whole_run()))


if __name__ == "__main__":
    unittest.main()
