using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Inference.Data;

/// <summary>One example.</summary>
/// <param name="Inputs">A tensor for each input of the model, in the model's order, with a batch axis of 1.</param>
/// <param name="Label">What the model should answer: a class index (Int64, no dimensions), numbers, or null when the data has no labels.</param>
public sealed record Sample(IReadOnlyList<Tensor> Inputs, Tensor? Label)
{
    /// <summary>The part of the data that the sample belongs to; null when the data tells none.</summary>
    public string? Slice { get; init; }

    /// <summary>Whether the label is a class index.</summary>
    public bool HasClass => Label is { ElementType: ElementType.Int64, Length: 1 };

    /// <summary>Whether the inputs have the shapes of another's, so that both fit into one batch.</summary>
    public bool IsShapedAs(Sample other) => Inputs.Zip(other.Inputs).All(pair => pair.First.Dimensions.SequenceEqual(pair.Second.Dimensions));

    /// <summary>Whether the inputs hold neither infinities nor NaN.</summary>
    public bool IsFinite => Inputs.All(input => !input.ElementType.IsFloatingPoint() || Array.TrueForAll(input.ToSingles(), float.IsFinite));
}

/// <summary>Examples that are read one at a time; no data set is held whole.</summary>
public abstract class Dataset
{
    /// <summary>The file or folder.</summary>
    public abstract string Path { get; }

    /// <summary>Number of samples.</summary>
    public abstract int Count { get; }

    /// <summary>Whether samples have labels.</summary>
    public abstract bool HasLabels { get; }

    /// <summary>Full paths of every file that the samples depend on, the description among them, in ordinal order.</summary>
    public virtual IReadOnlyList<string> Files => [];

    /// <summary>How answers are scored, as far as the data set states it.</summary>
    public virtual Scoring Scoring => Scoring.Unstated;

    /// <summary>Whether its form has finite numbers only, as pictures do.</summary>
    protected internal virtual bool IsAlwaysFinite => false;

    /// <summary>Opens what lies at <paramref name="path"/>, recognised by what it holds; docs/DATA.md lists the formats.</summary>
    /// <param name="path">A data file, a folder, or a description (<c>.json</c>) that names the data.</param>
    /// <param name="inputs">The inputs that samples are made for; every sample is cast to their types and checked against their shapes.</param>
    /// <exception cref="DatasetException">The data is missing, of no known format, damaged, or does not fit the inputs. The first sample is tried here.</exception>
    public static Dataset Open(string path, IReadOnlyList<TensorSignature> inputs) => DatasetFormats.Open(path, inputs);

    /// <summary>The samples, from the start, in an order that is the same each time.</summary>
    /// <exception cref="DatasetException">A sample is damaged or does not fit.</exception>
    public abstract IEnumerable<Sample> Read();

    /// <summary>What a person finds sample <paramref name="index"/> by: its file, or its place from 0.</summary>
    public virtual string NameOf(int index) => $"sample {index}";

    /// <summary>At most <paramref name="count"/> samples, drawn evenly by <paramref name="seed"/> from the whole set and read in stored order.</summary>
    public Dataset Take(int count, int seed = 0) =>
        count >= Count ? this : new DatasetSubset(this, SampleSelection.Draw(Count, count, seed));

    /// <summary>The samples at the given ascending indices.</summary>
    public Dataset At(IReadOnlyList<int> indices) => new DatasetSubset(this, indices);

    /// <summary>The samples that <see cref="Take"/> draws, and all others: what is judged by the one was not made from the other.</summary>
    public (Dataset Drawn, Dataset Others) Part(int count, int seed = 0)
    {
        int[] drawn = SampleSelection.Draw(Count, count, seed);
        return (new DatasetSubset(this, drawn), new DatasetSubset(this, [.. Enumerable.Range(0, Count).Except(drawn)]));
    }

    /// <summary>The samples whose inputs hold neither infinities nor NaN; this data set itself where that is true of all or of none. Reads it once, unless it is one of pictures.</summary>
    /// <exception cref="DatasetException">A sample is damaged or does not fit.</exception>
    public Dataset WhereFinite()
    {
        if (IsAlwaysFinite)
        {
            return this;
        }

        int[] finite = [.. Read().Select((sample, index) => (sample, index)).Where(entry => entry.sample.IsFinite).Select(entry => entry.index)];
        return finite.Length == 0 || finite.Length == Count ? this : new DatasetSubset(this, finite);
    }

    /// <summary>The samples at the given ascending indices; formats that can, skip the others without decoding them.</summary>
    protected internal virtual IEnumerable<Sample> Read(IReadOnlyList<int> indices)
    {
        int index = 0;
        int next = 0;
        foreach (Sample sample in Read())
        {
            if (next == indices.Count)
            {
                yield break;
            }

            if (index++ == indices[next])
            {
                next++;
                yield return sample;
            }
        }
    }
}
