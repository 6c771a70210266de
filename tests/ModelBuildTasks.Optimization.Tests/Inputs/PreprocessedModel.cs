using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Inputs;
using StbImageWriteSharp;

namespace ModelBuildTasks.Optimization.Tests.Inputs;

/// <summary>A model that gives back its input, with and without preprocessing in front, and a folder of data for both.</summary>
internal sealed class PreprocessedModel : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("modelbuild-preprocessing-").FullName;

    private PreprocessedModel(Model original) => Original = original;

    internal Model Original { get; }

    internal string Data => folder;

    internal static PreprocessedModel Of(ElementType type, params Dimension[] shape) => Of(13, type, shape);

    internal static PreprocessedModel Of(long opset, ElementType type, params Dimension[] shape)
    {
        Model model = Model.Create("echo", opset, IrVersions.OfOpset(opset));
        Value x = model.Graph.AddInput("x", new TensorType(type, shape));
        Value y = model.Graph.Add("Identity", x);
        y.Type = new TensorType(type, shape);
        model.Graph.AddOutput(y);
        return new PreprocessedModel(model);
    }

    internal PreprocessedModel Describe(string json)
    {
        File.WriteAllText(Path.Combine(folder, "dataset.json"), json);
        return this;
    }

    /// <summary>An image of noise, the same for the same seed.</summary>
    internal PreprocessedModel AddImage(int height, int width, int seed = 1)
    {
        byte[] pixels = new byte[height * width * 3];
        new Random(seed).NextBytes(pixels);
        using FileStream stream = File.Create(Path.Combine(folder, $"{seed}-{height}x{width}.png"));
        new ImageWriter().WritePng(pixels, width, height, ColorComponents.RedGreenBlue, stream);
        return this;
    }

    /// <summary>Descriptions as for the model's inputs.</summary>
    internal IReadOnlyList<Preprocessing> Wanted()
    {
        using ModelSession session = ModelSession.Open(Original);
        return Preprocessing.Load(Path.Combine(folder, "dataset.json"), session.Inputs);
    }

    internal Model Made()
    {
        Model model = Original.Clone();
        Assert.IsNull(InputPreprocessing.Apply(model, Wanted()));
        return model;
    }

    /// <summary>What the model's own operators get of each sample: by the data set's preprocessing, and by the graph's.</summary>
    internal IEnumerable<(float[] Expected, float[] Found)> Run()
    {
        using ModelSession original = ModelSession.Open(Original);
        using ModelSession made = ModelSession.Open(Made());
        foreach ((Sample expected, Sample found) in Dataset.Open(folder, original.Inputs).Read().Zip(Dataset.Open(folder, made.Inputs).Read()))
        {
            yield return (Singles(original.Run(expected.Inputs)[0]), Singles(made.Run(found.Inputs)[0]));
        }
    }

    /// <summary>That graph and data set compute the same, but for rounding.</summary>
    internal void AssertSame(double tolerance = 1e-5)
    {
        foreach ((float[] expected, float[] found) in Run())
        {
            Assert.HasCount(expected.Length, found);
            for (int i = 0; i < expected.Length; i++)
            {
                Assert.AreEqual(expected[i], found[i], tolerance, $"element {i}");
            }
        }
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private static float[] Singles(Tensor tensor) => tensor.ElementType switch
    {
        ElementType.Float16 => Array.ConvertAll(tensor.Span<Half>().ToArray(), value => (float)value),
        ElementType.Double => Array.ConvertAll(tensor.Span<double>().ToArray(), value => (float)value),
        _ => tensor.Span<float>().ToArray(),
    };
}
