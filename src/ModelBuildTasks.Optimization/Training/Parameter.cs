using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training;

/// <summary>A weight as training moves it.</summary>
public sealed class Parameter
{
    private readonly float[]? logarithms;

    /// <param name="name">The initializer's name.</param>
    /// <param name="start">Its value: float.</param>
    /// <param name="isRelative">Whether it moves by factors, as scales do, which are positive and of any order of magnitude: the rule then moves its logarithm.</param>
    /// <exception cref="ArgumentException">A relative parameter is not positive.</exception>
    public Parameter(string name, Tensor start, bool isRelative = false)
    {
        ArgumentNullException.ThrowIfNull(start);
        Name = name;
        Dimensions = start.Dimensions;
        Values = start.ToSingles();
        Seen = Values;
        IsRelative = isRelative;
        if (isRelative)
        {
            logarithms = Array.ConvertAll(Values, value => value > 0 ? MathF.Log(value) : throw new ArgumentException($"'{name}' has a value of {value}, and what moves by factors is positive."));
        }
    }

    public string Name { get; }

    public IReadOnlyList<long> Dimensions { get; }

    /// <summary>What training moves.</summary>
    public float[] Values { get; }

    /// <summary>What the graph sees: <see cref="Values"/>, but zero where the mask is. Gradients are those at what is seen, and move all values (straight-through), so that what is masked can come back.</summary>
    public float[] Seen { get; private set; }

    /// <summary>Weight decay: the pull towards zero.</summary>
    public float Decay { get; init; }

    /// <summary>Whether it moves by factors.</summary>
    public bool IsRelative { get; }

    /// <summary>Multiplies the learning rate.</summary>
    public float Pace { get; init; } = 1;

    /// <summary>Whether an element is seen, one for each; null where all are. Takes effect at the next <see cref="Refresh"/>.</summary>
    public bool[]? Mask
    {
        get;
        set
        {
            field = value;
            Seen = value is null ? Values : ReferenceEquals(Seen, Values) ? new float[Values.Length] : Seen;
            Refresh();
        }
    }

    /// <summary>What the rule moves.</summary>
    internal float[] Moved => logarithms ?? Values;

    /// <summary>Makes what is seen of what was moved.</summary>
    public void Refresh()
    {
        if (logarithms is not null)
        {
            System.Numerics.Tensors.TensorPrimitives.Exp(logarithms, Values);
        }

        for (int i = 0; i < Mask?.Length; i++)
        {
            Seen[i] = Mask[i] ? Values[i] : 0;
        }
    }

    /// <summary>Stores what the graph sees in the initializer of its name, where a model has one.</summary>
    public void StoreIn(Model model)
    {
        ArgumentNullException.ThrowIfNull(model);
        model.Graph.Find(Name)?.Initializer = Tensor.Create([.. Dimensions], (float[])Seen.Clone());
    }

    /// <summary>Takes other values of the same number.</summary>
    public void Take(ReadOnlySpan<float> values)
    {
        values.CopyTo(Values);
        if (logarithms is not null)
        {
            System.Numerics.Tensors.TensorPrimitives.Log(Values, logarithms);
        }

        Refresh();
    }
}
