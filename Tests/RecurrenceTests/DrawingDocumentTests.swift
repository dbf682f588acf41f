import Foundation
import Recurrence
import Testing

#if canImport(FoundationXML)
  import FoundationXML
#endif

@Suite struct DrawingDocumentTests {
  @Test func svgIsXMLWithEveryNodeAndEdge() throws {
    for picture in DrawnStep.pictures {
      let reader = SVGReader()
      let parser = XMLParser(data: Data(picture.svg.utf8))
      parser.delegate = reader
      #expect(parser.parse(), "\(picture.title): \(String(describing: parser.parserError))")
      #expect(reader.root == "svg")
      #expect(reader.nodes == picture.nodes.count)
      #expect(reader.lines == picture.edges.count)
      #expect(reader.titles == picture.nodes.count + 1, "the picture and every node have a title")
      #expect(reader.descriptions == 1)
      #expect(reader.text.contains(picture.title))
      for node in picture.nodes where node.label.count < 12 { #expect(reader.text.contains(node.label)) }
    }
  }

  @Test func svgStaysInsideItsFrame() throws {
    for picture in DrawnStep.pictures {
      let svg = picture.svg
      let frame = try #require(svg.firstMatch(of: /viewBox="0 0 ([\d.]+) ([\d.]+)"/))
      let (width, height) = (try #require(Double(frame.1)), try #require(Double(frame.2)))
      for match in svg.matches(
        of: /<rect class="(?:shape|panel)[^>]* x="([-\d.]+)" y="([-\d.]+)" width="([\d.]+)" height="([\d.]+)"/)
      {
        let (x, y) = (try #require(Double(match.1)), try #require(Double(match.2)))
        #expect(x >= 0 && y >= 0)
        let (right, bottom) = (x + (try #require(Double(match.3))), y + (try #require(Double(match.4))))
        #expect(right <= width && bottom <= height)
      }
    }
  }

  @Test func hostileNamesAreEscaped() {
    let picture = DrawnStep.hostileNetwork
    #expect(picture.svg.contains("a&lt;&amp;&quot;&gt;&#39;\\N\u{FFFD}\u{FFFD}]]&gt;--{|}%é😀"))
    #expect(!picture.svg.contains("a<&"))
    #expect(picture.dot.contains("a<&amp;\\\">'\\\\N\u{FFFD}\u{FFFD}]]>--{|}%é😀"))
  }

  @Test func dotHasEveryNodeAndEdgeInQuotedForm() {
    for picture in DrawnStep.pictures {
      let dot = picture.dot
      let lines = dot.split(separator: "\n")
      #expect(lines.count { $0.wholeMatch(of: /\ {4}n\d+ \[label=".*\];/) != nil } == picture.nodes.count)
      #expect(lines.count { $0.wholeMatch(of: /\ {2}n\d+ -> n\d+( \[.*\])?;/) != nil } == picture.edges.count)
      #expect(lines.count { $0.hasPrefix("  subgraph") } == picture.columns.count)
      let bare = dot.replacing(/"(\\.|[^"\\])*"/, with: "")
      #expect(!bare.contains("\""), "an open quotation")
      #expect(bare.count { $0 == "{" } == bare.count { $0 == "}" })
    }
  }

  @Test func picturesAreTheSameEveryTime() {
    for (a, b) in zip(DrawnStep.pictures, DrawnStep.pictures) {
      #expect(a == b && a.svg == b.svg && a.dot == b.dot && a.text() == b.text())
    }
  }
}

private final class SVGReader: NSObject, XMLParserDelegate {
  var root: String?
  var nodes = 0
  var lines = 0
  var titles = 0
  var descriptions = 0
  var text = ""

  func parser(
    _ parser: XMLParser, didStartElement element: String, namespaceURI: String?, qualifiedName: String?,
    attributes: [String: String]
  ) {
    root = root ?? element
    let names = attributes["class"]?.split(separator: " ") ?? []
    if element == "g", names.contains("node") { nodes += 1 }
    if element == "path", names.contains("line") { lines += 1 }
    if element == "title" { titles += 1 }
    if element == "desc" { descriptions += 1 }
  }

  func parser(_ parser: XMLParser, foundCharacters string: String) { text += string }
}
