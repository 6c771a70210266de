using System.Text;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Inference.Tests.Data;

[TestClass]
public sealed class TextTokenizerTests
{
    // The number of a token is its line.
    private const string WordPieces = "[PAD]\n[UNK]\n[CLS]\n[SEP]\nhello\nworld\n##s\n,\ncafe\nred\ngreen\n";
    private const string BytePairs = """{ "<s>": 0, "<pad>": 1, "</s>": 2, "h": 3, "i": 4, "hi": 5, "Ġ": 6, "Ġhi": 7, "Ã": 8, "©": 9 }""";
    private static readonly TensorSignature Ids = Tokens("input_ids");
    private static readonly TensorSignature Mask = Tokens("attention_mask");
    private static readonly TensorSignature Types = Tokens("token_type_ids");

    [TestMethod]
    public void Text_becomes_word_pieces_between_the_special_tokens()
    {
        using TemporaryFolder folder = Texts("Hello, Worlds café zzz");

        Sample sample = folder.Open("data.csv", Ids, Mask, Types).Read().Single();

        Assert.IsTrue(sample.Inputs.All(input => input.Dimensions.SequenceEqual([1L, 8])));
        AssertTokens(sample, 0, 2, 4, 7, 5, 6, 8, 1, 3);
        AssertTokens(sample, 1, 1, 1, 1, 1, 1, 1, 1, 1);
        AssertTokens(sample, 2, 0, 0, 0, 0, 0, 0, 0, 0);
    }

    // Vocabulary: 4 hello, 5 world, 6 ##s, 7 comma, 8 cafe, 9 red, 10 green, 11 dollar, 12 plus, 13 euro, 14 the character U+65E5; [UNK] is 1.
    [TestMethod]
    [DataRow("red\ngreen", new long[] { 9, 10 })]
    [DataRow("red\tgreen", new long[] { 9, 10 })]
    [DataRow("red\r\ngreen", new long[] { 9, 10 })]
    [DataRow("red\rgreen", new long[] { 9, 10 })]
    [DataRow("red\n\nworlds", new long[] { 9, 5, 6 })]
    [DataRow("red+green", new long[] { 9, 12, 10 })]
    [DataRow("red=$", new long[] { 9, 1, 11 })]
    [DataRow("red<green>", new long[] { 9, 1, 10, 1 })]
    [DataRow("red ^ green", new long[] { 9, 1, 10 })]
    [DataRow("red|green", new long[] { 9, 1, 10 })]
    [DataRow("red~green", new long[] { 9, 1, 10 })]
    [DataRow("red`green", new long[] { 9, 1, 10 })]
    [DataRow("€", new long[] { 13 })]
    [DataRow("red € green", new long[] { 9, 13, 10 })]
    [DataRow("red ™", new long[] { 9, 1 })]
    [DataRow("red 😀 green", new long[] { 9, 1, 10 })]
    [DataRow("日red𠀀日", new long[] { 14, 9, 1, 14 })]
    [DataRow("[SEP] red", new long[] { 3, 9 })]
    [DataRow("", new long[0])]
    public void Words_are_split_as_BERT_does_and_nothing_vanishes(string text, long[] expected)
    {
        using TemporaryFolder folder = new();
        folder.Write("vocab.txt", WordPieces + "$\n+\n€\n日\n");
        folder.Write("data.jsonl", System.Text.Json.JsonSerializer.Serialize(new Dictionary<string, string> { ["text"] = text }));
        Describe(folder, "");

        AssertTokens(folder.Open("data.jsonl", Ids).Read().Single(), 0, [2, .. expected, 3]);
    }

    [TestMethod]
    public void A_model_of_fixed_length_gets_texts_cut_and_filled_up()
    {
        using TemporaryFolder folder = Texts("red", "red green red green red green");

        Sample[] samples = [.. folder.Open("data.csv", Tokens("input_ids", 5), Tokens("input_mask", 5)).Read()];

        AssertTokens(samples[0], 0, 2, 9, 3, 0, 0);
        AssertTokens(samples[0], 1, 1, 1, 1, 0, 0);
        AssertTokens(samples[1], 0, 2, 9, 10, 9, 3);
    }

    [TestMethod]
    [DataRow(", \"maxLength\": 4", new long[] { 2, 9, 10, 3 }, new long[] { 2, 9, 3 })]
    [DataRow(", \"maxLength\": 4, \"pad\": true", new long[] { 2, 9, 10, 3 }, new long[] { 2, 9, 3, 0 })]
    public void A_model_of_open_length_gets_texts_cut_and_filled_up_as_the_description_says(string settings, long[] expectedLong, long[] expectedShort)
    {
        using TemporaryFolder folder = Texts("red green red", "red");
        Describe(folder, settings);

        Sample[] samples = [.. folder.Open("data.csv", Ids).Read()];

        AssertTokens(samples[0], 0, expectedLong);
        AssertTokens(samples[1], 0, expectedShort);
    }

    [TestMethod]
    public void Of_a_pair_the_longer_text_is_cut_first()
    {
        using TemporaryFolder folder = new();
        folder.Write("vocab.txt", WordPieces);
        folder.Write("data.jsonl", """{"a": "red red red red red", "b": "green green", "label": 1}""");
        folder.Describe("""{ "tokenizer": { "vocabulary": "vocab.txt", "text": "a", "pair": "b", "maxLength": 8 } }""");

        Sample sample = folder.Open("data.jsonl", Ids, Types).Read().Single();

        AssertTokens(sample, 0, 2, 9, 9, 9, 3, 10, 10, 3);
        AssertTokens(sample, 1, 0, 0, 0, 0, 0, 1, 1, 1);
        Assert.AreEqual(1, sample.Label!.Span<long>()[0]);
    }

    [TestMethod]
    public void Of_a_pair_of_equal_length_the_second_text_loses_the_odd_token()
    {
        using TemporaryFolder folder = new();
        folder.Write("vocab.txt", WordPieces);
        folder.Write("data.jsonl", """{"text": "red red red red", "b": "green green green green"}""");
        folder.Describe("""{ "tokenizer": { "vocabulary": "vocab.txt", "pair": "b", "maxLength": 8 } }""");

        AssertTokens(folder.Open("data.jsonl", Ids).Read().Single(), 0, 2, 9, 9, 9, 3, 10, 10, 3);
    }

    [TestMethod]
    public void Case_is_kept_where_the_description_says_so()
    {
        using TemporaryFolder folder = Texts("Red café");
        Describe(folder, ", \"lowerCase\": false");

        AssertTokens(folder.Open("data.csv", Ids).Read().Single(), 0, 2, 1, 1, 3);
    }

    [TestMethod]
    public void Text_becomes_byte_pairs()
    {
        using TemporaryFolder folder = Texts("hi hi é");
        folder.Write("vocab.json", BytePairs);
        folder.Write("merges.txt", "#version: 0.2\nh i\nĠ hi\n");
        folder.Describe("""{ "tokenizer": { "vocabulary": "vocab.json", "merges": "merges.txt", "maxLength": 9, "pad": true } }""");

        Dataset dataset = folder.Open("data.csv", Ids, Tokens("position_ids"));

        AssertTokens(dataset.Read().Single(), 0, 0, 5, 7, 6, 8, 9, 2, 1, 1);
        AssertTokens(dataset.Read().Single(), 1, 0, 1, 2, 3, 4, 5, 6, 7, 8);
        CollectionAssert.IsSubsetOf(new[] { folder["vocab.json"], folder["merges.txt"] }, dataset.Files.ToArray());
    }

    [TestMethod]
    public void Text_becomes_pieces_of_a_SentencePiece_model()
    {
        using TemporaryFolder folder = Texts("red green");
        folder.Write("spiece.model", SentencePieceModel("<unk>", "<s>", "</s>", "▁red", "▁green", "▁"));
        folder.Describe("""{ "tokenizer": { "vocabulary": "spiece.model", "start": "<s>" } }""");

        AssertTokens(folder.Open("data.csv", Ids).Read().Single(), 0, 1, 3, 4, 2);
    }

    [TestMethod]
    public void Other_inputs_are_read_as_ever_and_roles_can_be_stated()
    {
        using TemporaryFolder folder = Texts("red");
        folder.Write("data.csv", "text,weight\nred,0.5\n");
        folder.Describe("""{ "tokenizer": { "vocabulary": "vocab.txt" }, "inputs": { "tokens": { "tokens": "Ids" } } }""");

        Sample sample = folder.Open("data.csv", Tokens("tokens"), new TensorSignature("weight", ElementType.Float, ["N", 1])).Read().Single();

        AssertTokens(sample, 0, 2, 9, 3);
        Assert.AreEqual(0.5f, sample.Inputs[1].ToSingles()[0]);
    }

    [TestMethod]
    [DataRow("""{ "vocabulary": "absent.txt" }""", DatasetError.NotFound, "absent.txt")]
    [DataRow("""{ "vocabulary": "." }""", DatasetError.Corrupt, "it is a folder")]
    [DataRow("""{ "vocabulary": "bad.txt" }""", DatasetError.Corrupt, "[UNK]")]
    [DataRow("""{ "vocabulary": "vocab.json" }""", DatasetError.Corrupt, "merges")]
    [DataRow("""{ "vocabulary": "bad.txt", "merges": "bad.txt" }""", DatasetError.Corrupt, "not a usable vocabulary")]
    [DataRow("""{ "vocabulary": "bad.model" }""", DatasetError.Corrupt, "not a usable vocabulary")]
    [DataRow("""{ "vocabulary": "vocab.txt", "maxLength": 2 }""", DatasetError.Description, "no room")]
    [DataRow("""{ "vocabulary": "vocab.txt", "maxLength": 0 }""", DatasetError.Description, "maxLength")]
    [DataRow("""{ "vocabulary": "vocab.txt", "start": "[BOS]" }""", DatasetError.DoesNotFit, "[BOS]")]
    [DataRow("""{ "vocabulary": "vocab.txt", "text": "body" }""", DatasetError.DoesNotFit, "no column 'body'")]
    [DataRow("""{ "merges": "vocab.json" }""", DatasetError.Description, "vocabulary")]
    public void What_is_no_vocabulary_is_refused(string tokenizer, DatasetError error, string expected)
    {
        using TemporaryFolder folder = Texts("red");
        folder.Write("bad.txt", "hello\nworld\n");
        folder.Write("bad.model", "hello");
        folder.Write("vocab.json", BytePairs);
        folder.Describe($$"""{ "tokenizer": {{tokenizer}} }""");

        StringAssert.Contains(TemporaryFolder.Fails(error, () => folder.Open("data.csv", Ids)).Message, expected);
    }

    [TestMethod]
    public void Tokens_that_nothing_takes_are_refused()
    {
        using TemporaryFolder folder = Texts("red");

        StringAssert.Contains(TemporaryFolder.Fails(DatasetError.Description, () => folder.Open("data.csv", Tokens("a"), Tokens("b"))).Message, "input_ids");
    }

    [TestMethod]
    public void Numbers_are_not_tokenized()
    {
        using TemporaryFolder folder = Texts("red");
        folder.Write("x.npy", TemporaryFolder.Npy("<f4", "(1, 1)", new float[] { 1 }));

        StringAssert.Contains(TemporaryFolder.Fails(DatasetError.Description, () => folder.Open("x.npy", TemporaryFolder.Input("N", 1))).Message, "needs text");
        folder.Write("data.jsonl", """{"text": 1}""");
        StringAssert.Contains(TemporaryFolder.Fails(DatasetError.DoesNotFit, () => folder.Open("data.jsonl", Ids)).Message, "no text 'text'");
    }

    private static TensorSignature Tokens(string name, long? length = null) => new(name, ElementType.Int64, ["N", length is { } size ? size : "sequence"]);

    private static TemporaryFolder Texts(params string[] texts)
    {
        TemporaryFolder folder = new();
        folder.Write("vocab.txt", WordPieces);
        folder.Write("data.csv", $"text\n{string.Join('\n', texts.Select(text => $"\"{text}\""))}\n");
        Describe(folder, "");
        return folder;
    }

    private static void Describe(TemporaryFolder folder, string settings) => folder.Describe($$"""{ "tokenizer": { "vocabulary": "vocab.txt"{{settings}} } }""");

    private static void AssertTokens(Sample sample, int input, params long[] expected) => CollectionAssert.AreEqual(expected, sample.Inputs[input].Span<long>().ToArray());

    /// <summary>A unigram ModelProto (sentencepiece_model.proto): pieces with a score, of which the first is unknown and the next two control the text.</summary>
    private static byte[] SentencePieceModel(params string[] pieces)
    {
        List<byte> model = [];
        for (int i = 0; i < pieces.Length; i++)
        {
            byte[] text = Encoding.UTF8.GetBytes(pieces[i]);
            byte type = i == 0 ? (byte)2 : i < 3 ? (byte)3 : (byte)1;
            byte[] piece = [0x0A, (byte)text.Length, .. text, 0x15, .. BitConverter.GetBytes(-1f), 0x18, type];
            model.AddRange([0x0A, (byte)piece.Length, .. piece]);
        }

        // TrainerSpec { model_type: UNIGRAM }, NormalizerSpec { name: "identity" }.
        return [.. model, 0x12, 2, 0x18, 1, 0x1A, 10, 0x0A, 8, .. "identity"u8];
    }
}
