namespace ModelBuildTasks.Inference.Data;

/// <summary>How text becomes tokens. Every field is described in docs/DATA.md.</summary>
internal sealed class TokenizerDescription
{
    /// <summary><c>vocab.txt</c> of WordPiece, <c>vocab.json</c> of byte pairs, or the <c>.model</c> of SentencePiece.</summary>
    public required string Vocabulary { get; init; }

    /// <summary><c>merges.txt</c>, which byte pairs need.</summary>
    public string? Merges { get; init; }

    /// <summary>Column or property with the text; null is <c>text</c>.</summary>
    public string? Text { get; init; }

    /// <summary>Column or property with a second text that follows the first.</summary>
    public string? Pair { get; init; }

    /// <summary>Most tokens; null takes the length that the model's input fixes, or 512.</summary>
    public int? MaxLength { get; init; }

    /// <summary>Whether shorter texts are filled up where the model leaves its length open.</summary>
    public bool Pad { get; init; }

    /// <summary>Whether WordPiece sees lower case without accents; null is yes.</summary>
    public bool? LowerCase { get; init; }

    /// <summary>Token before the text; empty for none.</summary>
    public string? Start { get; init; }

    /// <summary>Token after each text; empty for none.</summary>
    public string? End { get; init; }
}

/// <summary>What of a tokenized text feeds an input.</summary>
internal enum TokenRole
{
    Ids,

    /// <summary>1 for tokens, 0 for padding.</summary>
    Mask,

    /// <summary>0 for the first text, 1 for the second.</summary>
    Types,

    /// <summary>0, 1, 2, …</summary>
    Positions,
}
