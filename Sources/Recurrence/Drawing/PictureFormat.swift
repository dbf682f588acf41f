/// The form of a picture.
public enum PictureFormat: String, Hashable, Sendable, CaseIterable {
  /// Boxes and lines of characters, for a terminal.
  case text
  /// A graph for Graphviz.
  case dot
  /// A picture for a page.
  case svg
}

extension Diagram {
  /// The picture as a text of this form.
  package func drawn(as format: PictureFormat) -> String {
    switch format {
    case .text: text() + "\n"
    case .dot: dot
    case .svg: svg
    }
  }
}
