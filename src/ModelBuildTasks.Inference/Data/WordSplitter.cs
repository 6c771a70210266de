using System.Buffers;
using System.Globalization;
using System.Text;

namespace ModelBuildTasks.Inference.Data;

/// <summary>
/// Splits text into words and single signs, as BERT does before it looks for word pieces (BasicTokenizer of google-research/bert's tokenization.py, and Hugging Face's BertNormalizer and
/// BertPreTokenizer): white space of any kind separates, control characters go, and a punctuation mark or a Chinese character is a word by itself. All else stays, for the vocabulary to know or not.
/// </summary>
/// <param name="lowerCase">Whether words lose accents and case.</param>
/// <param name="specialTokens">Words that stay as they are, wherever they stand.</param>
internal sealed class WordSplitter(bool lowerCase, string[] specialTokens)
{
    // The blocks of CJK ideographs that tokenization.py lists; kana and Hangul are written in words.
    private static readonly (int First, int Last)[] Ideographs =
    [
        (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F), (0x2B740, 0x2B81F), (0x2B820, 0x2CEAF), (0x2F800, 0x2FA1F),
    ];

    private readonly SearchValues<string> specials = SearchValues.Create(specialTokens, StringComparison.Ordinal);

    /// <summary>The words, one space between them.</summary>
    internal string Split(string text)
    {
        StringBuilder words = new(text.Length + text.Length / 4);
        int start = 0;
        for (int next; (next = text.AsSpan(start).IndexOfAny(specials)) >= 0;)
        {
            Append(words, text.Substring(start, next));
            string special = specialTokens.First(token => text.AsSpan(start + next).StartsWith(token));
            AppendAlone(words, special);
            start += next + special.Length;
        }

        Append(words, text[start..]);
        return words.ToString().TrimEnd(' ');
    }

    private void Append(StringBuilder words, string text)
    {
        foreach (Rune sign in (lowerCase ? Accents.Strip(text).ToLowerInvariant() : text).EnumerateRunes())
        {
            if (IsSpace(sign))
            {
                EndWord(words);
            }
            else if (IsPunctuation(sign) || Array.Exists(Ideographs, block => sign.Value >= block.First && sign.Value <= block.Last))
            {
                AppendAlone(words, sign.ToString());
            }
            else if (!IsControl(sign))
            {
                words.Append(sign.ToString());
            }
        }
    }

    private static void AppendAlone(StringBuilder words, string word)
    {
        EndWord(words);
        words.Append(word).Append(' ');
    }

    private static void EndWord(StringBuilder words)
    {
        if (words.Length > 0 && words[^1] != ' ')
        {
            words.Append(' ');
        }
    }

    private static bool IsSpace(Rune sign) =>
        sign.Value is '\t' or '\n' or '\r'
        || Rune.GetUnicodeCategory(sign) is UnicodeCategory.SpaceSeparator or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;

    // Half of a surrogate pair is enumerated as the replacement character.
    private static bool IsControl(Rune sign) =>
        sign == Rune.ReplacementChar
        || Rune.GetUnicodeCategory(sign) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.PrivateUse;

    /// <summary>ASCII's signs all are, those that Unicode calls symbols too.</summary>
    private static bool IsPunctuation(Rune sign) =>
        sign.IsAscii
            ? sign.Value is >= '!' and <= '/' or >= ':' and <= '@' or >= '[' and <= '`' or >= '{' and <= '~'
            : Rune.GetUnicodeCategory(sign) is UnicodeCategory.ConnectorPunctuation or UnicodeCategory.DashPunctuation or UnicodeCategory.OpenPunctuation
                or UnicodeCategory.ClosePunctuation or UnicodeCategory.InitialQuotePunctuation or UnicodeCategory.FinalQuotePunctuation or UnicodeCategory.OtherPunctuation;
}
