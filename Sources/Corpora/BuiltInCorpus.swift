import Foundation
import Tensors

/// Real text that every Swift toolchain brings along, for a demonstration without any download.
///
///     let text = BuiltInCorpus.names()
///     // français, pays: Nouvelle-Zélande
///     // suomi, kieli: islanti
///     // Deutsch, Währung: Schweizer Franken …
///
/// The Unicode Common Locale Data Repository, which Foundation carries, names some 600 languages, 290 countries and
/// regions and 300 currencies in each of ten European languages. A line is the name of the language, the kind of thing,
/// and a name. A small model learns in a minute to spell like each of the ten.
public enum BuiltInCorpus {
  /// The beginnings of lines that show what a model has learnt: the same question in several languages.
  public static let prompts = [
    "English, country: ", "Deutsch, Land: ", "français, pays: ", "español, moneda: ", "italiano, lingua: ",
    "português, moeda: ", "Nederlands, taal: ", "svenska, språk: ", "polski, waluta: ", "suomi, maa: ",
  ]

  /// The lines, each ended by "\n", in an order that depends on the seed alone; none is there twice.
  ///
  /// The names are those of the toolchain's Foundation: another version may differ in a few. Names with digits,
  /// brackets or anything but letters, spaces, hyphens, apostrophes and full stops are left out.
  public static func names(seed: UInt64 = 1) -> String {
    let lines = Set(languages.flatMap(lines(in:))).sorted {
      $0.unicodeScalars.lexicographicallyPrecedes($1.unicodeScalars)
    }
    var random = RandomSource(seed: seed)
    return random.permutation(lines.count).map { lines[$0] + "\n" }.joined()
  }

  /// A language that names are written in: its code, its own name, and its words for the three kinds of things.
  private struct Language {
    let code, name, language, country, currency: String
  }

  private static let languages = [
    Language(code: "en", name: "English", language: "language", country: "country", currency: "currency"),
    Language(code: "de", name: "Deutsch", language: "Sprache", country: "Land", currency: "Währung"),
    Language(code: "fr", name: "français", language: "langue", country: "pays", currency: "monnaie"),
    Language(code: "es", name: "español", language: "idioma", country: "país", currency: "moneda"),
    Language(code: "it", name: "italiano", language: "lingua", country: "paese", currency: "valuta"),
    Language(code: "pt", name: "português", language: "língua", country: "país", currency: "moeda"),
    Language(code: "nl", name: "Nederlands", language: "taal", country: "land", currency: "munt"),
    Language(code: "sv", name: "svenska", language: "språk", country: "land", currency: "valuta"),
    Language(code: "pl", name: "polski", language: "język", country: "kraj", currency: "waluta"),
    Language(code: "fi", name: "suomi", language: "kieli", country: "maa", currency: "valuutta"),
  ]

  private static func lines(in language: Language) -> [String] {
    let locale = Locale(identifier: language.code)
    func lines(_ kind: String, _ codes: [String], _ name: (String) -> String?) -> [String] {
      codes.compactMap { code in
        guard let name = name(code), name != code, isPlain(name) else { return nil }
        return "\(language.name), \(kind): \(name)"
      }
    }
    return lines(language.language, Locale.LanguageCode.isoLanguageCodes.map(\.identifier)) {
      locale.localizedString(forLanguageCode: $0)
    }
      + lines(language.country, Locale.Region.isoRegions.map(\.identifier)) {
        locale.localizedString(forRegionCode: $0)
      }
      + lines(language.currency, Locale.Currency.isoCurrencies.map(\.identifier)) {
        locale.localizedString(forCurrencyCode: $0)
      }
  }

  private static func isPlain(_ name: String) -> Bool {
    name.unicodeScalars.allSatisfy { scalar in
      switch scalar.properties.generalCategory {
      case .lowercaseLetter, .uppercaseLetter: true
      default: " -’'.".unicodeScalars.contains(scalar)
      }
    }
  }
}
