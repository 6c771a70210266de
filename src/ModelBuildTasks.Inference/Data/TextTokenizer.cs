using Microsoft.ML.Tokenizers;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Inference.Data;

/// <summary>
/// Text to token numbers through a vocabulary file, with the special tokens, the truncation and the padding of Hugging Face's tokenizers: a text is
/// <c>start a end</c>, a pair is <c>start a end b end</c> (byte pairs: <c>start a end end b end</c>), and of a pair that is too long the longer text loses tokens first.
/// </summary>
internal sealed class TextTokenizer
{
    // What BERT and its kin have positions for, where neither the model nor the description says a length.
    private const int UsualLength = 512;
    private const int LongestLength = 1 << 20;

    // The largest published vocabularies have some 10 MB.
    private const long LargestVocabulary = 64 << 20;
    private static readonly string[] PaddingTokens = ["[PAD]", "<pad>"];

    // Those of BERT's tokenizer, which it finds in text as well.
    private static readonly string[] WordPieceTokens = ["[CLS]", "[SEP]", "[MASK]", "[PAD]", "[UNK]"];
    private readonly TokenizerDescription description;
    private readonly Tokenizer tokenizer;
    private readonly Dictionary<string, TokenRole> roles = new(StringComparer.Ordinal);
    private readonly int[] start;
    private readonly int[] end;
    private readonly int padding;
    private readonly WordSplitter? words;
    private readonly int separators;
    private readonly int mostTokens;
    private readonly int paddedLength;

    private TextTokenizer(TokenizerDescription tokens, DatasetDescription data, IReadOnlyList<TensorSignature> inputs, string folder)
    {
        description = tokens;
        foreach (TensorSignature input in inputs)
        {
            if (RoleOf(input.Name, data.For(input), inputs.Count == 1) is { } role)
            {
                roles[input.Name] = role;
            }
        }

        TensorSignature ids = inputs.FirstOrDefault(input => roles.TryGetValue(input.Name, out TokenRole role) && role == TokenRole.Ids)
            ?? throw new DatasetException(DatasetError.Description, data.Path!, $"none of the inputs {string.Join(", ", inputs.Select(input => input.Name))} is named input_ids; state \"tokens\": \"Ids\" for the one that takes token numbers.");
        long? fixedLength = ids.Shape.Count == 0 ? null : ids.Shape[^1].Size;
        if (fixedLength > LongestLength)
        {
            throw DatasetException.DoesNotFit(data.Path!, $"input '{ids.Name}' takes {fixedLength} tokens; up to {LongestLength} are made.");
        }

        mostTokens = (int)Math.Min(fixedLength ?? int.MaxValue, tokens.MaxLength ?? fixedLength ?? UsualLength);
        paddedLength = (int)(fixedLength ?? (tokens.Pad ? mostTokens : 0));
        string vocabulary = data.Locate(tokens.Vocabulary, folder);
        string? merges = tokens.Merges is { } named ? data.Locate(named, folder) : null;
        Files = [vocabulary, .. merges is null ? [] : new[] { merges }];
        if (Files.FirstOrDefault(file => !File.Exists(file) || new FileInfo(file).Length > LargestVocabulary) is { } odd)
        {
            throw DatasetException.Corrupt(odd, $"it is a folder, or larger than {LargestVocabulary >> 20} MiB, which no vocabulary is.");
        }

        bool isSentencePiece = vocabulary.EndsWith(".model", StringComparison.OrdinalIgnoreCase);
        words = merges is null && !isSentencePiece ? new WordSplitter(tokens.LowerCase ?? true, WordPieceTokens) : null;
        Func<string, int?> idOf;
        try
        {
            (tokenizer, idOf) = merges is not null ? BytePairs(vocabulary, merges)
                : isSentencePiece ? SentencePiece(vocabulary)
                : vocabulary.EndsWith(".json", StringComparison.OrdinalIgnoreCase) ? throw new InvalidDataException("a vocabulary in JSON needs \"merges\" beside it")
                : WordPiece(vocabulary);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // The library meets damage with whatever it runs into.
            throw DatasetException.Corrupt(vocabulary, $"not a usable vocabulary (vocab.txt of WordPiece, vocab.json with merges, or a SentencePiece .model): {exception.Message}", exception);
        }

        start = Special(tokens.Start, merges is not null ? "<s>" : isSentencePiece ? "" : "[CLS]", idOf, vocabulary);
        end = Special(tokens.End, merges is not null || isSentencePiece ? "</s>" : "[SEP]", idOf, vocabulary);
        padding = PaddingTokens.Select(idOf).FirstOrDefault(id => id is not null) ?? end.FirstOrDefault();
        separators = merges is not null ? 2 : 1;
        if (mostTokens < start.Length + (tokens.Pair is null ? 1 : separators + 1) * end.Length + 1)
        {
            throw new DatasetException(DatasetError.Description, data.Path!, $"{mostTokens} tokens leave no room for text beside the special ones.");
        }
    }

    /// <summary>The files that the tokens depend on.</summary>
    internal IReadOnlyList<string> Files { get; }

    /// <summary>Column or property of the text.</summary>
    internal string Text => description.Text ?? "text";

    /// <summary>Column or property of the second text; null for none.</summary>
    internal string? Pair => description.Pair;

    /// <summary>The tokenizer that the description asks for; null when it asks for none.</summary>
    /// <exception cref="DatasetException">A file is missing or is no vocabulary, or no input takes tokens.</exception>
    internal static TextTokenizer? For(IReadOnlyList<TensorSignature> inputs, DatasetDescription description, string folder) =>
        description.Tokenizer is { } tokens ? new TextTokenizer(tokens, description, inputs, folder) : null;

    internal static string? Fault(TokenizerDescription tokens) =>
        tokens.MaxLength is <= 0 or > LongestLength ? $"'maxLength' is a number of tokens from 1 to {LongestLength}"
        : tokens.Vocabulary.Length == 0 ? "'vocabulary' must name a file"
        : null;

    /// <summary>Whether tokens feed this input.</summary>
    internal bool Feeds(string input) => roles.ContainsKey(input);

    /// <summary>The tokens of a text, or of two.</summary>
    internal TokenizedText Encode(string text, string? pair)
    {
        List<int> first = Ids(text);
        List<int> second = pair is null ? [] : Ids(pair);
        int room = mostTokens - start.Length - (pair is null ? 1 : separators + 1) * end.Length;
        Truncate(first, second, room);
        List<int> ids = [.. start, .. first, .. end];
        int secondFrom = int.MaxValue;
        if (pair is not null)
        {
            for (int i = 1; i < separators; i++)
            {
                ids.AddRange(end);
            }

            secondFrom = ids.Count;
            ids.AddRange([.. second, .. end]);
        }

        int length = ids.Count;
        ids.AddRange(Enumerable.Repeat(padding, Math.Max(0, paddedLength - length)));
        return new TokenizedText(roles, ids, length, separators == 1 ? secondFrom : int.MaxValue);
    }

    private List<int> Ids(string text) => [.. tokenizer.EncodeToIds(words?.Split(text) ?? text)];

    private static void Truncate(List<int> first, List<int> second, int room)
    {
        int excess = first.Count + second.Count - room;
        if (excess <= 0)
        {
            return;
        }

        // Tokens go one by one from the longer text; of equals, from the second.
        int fromFirst = Math.Clamp(first.Count - Math.Max(room - second.Count, (room + 1) / 2), 0, excess);
        first.RemoveRange(first.Count - fromFirst, fromFirst);
        second.RemoveRange(second.Count - (excess - fromFirst), excess - fromFirst);
    }

    private static TokenRole? RoleOf(string name, InputDescription settings, bool isOnly) => settings.Tokens ?? name.Split(':')[0] switch
    {
        "input_ids" => TokenRole.Ids,
        "attention_mask" or "input_mask" => TokenRole.Mask,
        "token_type_ids" or "segment_ids" => TokenRole.Types,
        "position_ids" => TokenRole.Positions,
        _ => isOnly ? TokenRole.Ids : null,
    };

    // Not the library's BertTokenizer: it takes tabs and line ends as parts of words, and symbols away.
    private static (Tokenizer, Func<string, int?>) WordPiece(string vocabulary)
    {
        using FileStream file = File.OpenRead(vocabulary);
        string[] lines = File.ReadAllLines(vocabulary);
        WordPieceTokenizer pieces = WordPieceTokenizer.Create(file, new WordPieceOptions { PreTokenizer = PreTokenizer.CreateWhiteSpace() });
        return (pieces, token => Array.IndexOf(lines, token) is >= 0 and var id ? id : null);
    }

    private static (Tokenizer, Func<string, int?>) BytePairs(string vocabulary, string merges)
    {
        BpeTokenizer bytePairs = BpeTokenizer.Create(new BpeOptions(vocabulary, merges) { ByteLevel = true, PreTokenizer = RobertaPreTokenizer.Instance });
        return (bytePairs, token => bytePairs.Vocabulary.TryGetValue(token, out int id) ? id : null);
    }

    private static (Tokenizer, Func<string, int?>) SentencePiece(string vocabulary)
    {
        using FileStream file = File.OpenRead(vocabulary);
        SentencePieceTokenizer pieces = SentencePieceTokenizer.Create(file, addBeginningOfSentence: false, addEndOfSentence: false);
        return (pieces, token => pieces.Vocabulary.TryGetValue(token, out int id) ? id : null);
    }

    /// <summary>A special token that the description names, which must be there, or the usual one, where it is there.</summary>
    private static int[] Special(string? named, string usual, Func<string, int?> idOf, string vocabulary) =>
        named is { Length: 0 } ? []
        : idOf(named ?? usual) is { } id ? [id]
        : named is null ? []
        : throw DatasetException.DoesNotFit(vocabulary, $"there is no token '{named}'.");
}

/// <summary>One text, or two, as numbers for the inputs.</summary>
/// <param name="Roles">What feeds which input.</param>
/// <param name="Ids">Token numbers, padding among them.</param>
/// <param name="Length">Tokens that are no padding.</param>
/// <param name="SecondFrom">Place of the second text's first token; beyond the end where types don't tell it.</param>
internal sealed record TokenizedText(IReadOnlyDictionary<string, TokenRole> Roles, IReadOnlyList<int> Ids, int Length, int SecondFrom)
{
    /// <summary>Int64 [tokens] for one of the inputs that tokens feed.</summary>
    internal Tensor For(string input) => Tensor.Vector([.. Ids.Select((id, place) => Roles[input] switch
    {
        TokenRole.Ids => id,
        TokenRole.Mask => place < Length ? 1L : 0,
        TokenRole.Types => place >= SecondFrom && place < Length ? 1 : 0,
        _ => place,
    })]);
}
