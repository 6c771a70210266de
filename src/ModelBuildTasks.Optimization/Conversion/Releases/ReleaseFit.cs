using System.Globalization;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Conversion.Releases;

/// <summary>
/// Makes a model one that a release of ONNX Runtime loads: the operator set and file format that it reads, and of ONNX Runtime's own operators the forms that it has.
/// </summary>
public static class ReleaseFit
{
    private const string PackedProduct = "MatMulNBits";
    private const string PackedRows = "GatherBlockQuantized";
    private const int Bias = 5;

    private static readonly Version BiasOfPackedProduct = new(1, 19);

    /// <summary>Casts int4 on a CPU (pull request 24973).</summary>
    private static readonly Version CastOfInt4 = new(1, 23);

    /// <summary>Forms of operators in the domain com.microsoft, and the release since when they run on a CPU. Tried in each release from 1.14.0 to 1.31.1.</summary>
    private static readonly (string OpType, long Bits, Version Since)[] Forms =
    [
        (PackedProduct, 4, new Version(1, 17)),
        (PackedProduct, 8, new Version(1, 22)),
        (PackedProduct, 2, new Version(1, 24)),
        (PackedRows, 4, new Version(1, 23)),
        (PackedRows, 8, new Version(1, 23)),
    ];

    /// <summary>Fits <paramref name="model"/> in place.</summary>
    /// <returns>What was done, as sentences, none where the model fits as it is; or why it can't be fitted, as a clause: it may then be changed in part.</returns>
    public static (IReadOnlyList<string> Done, string? Refusal) Apply(Model model, RuntimeRelease release)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(release);
        List<string> done = [];
        Node[] own = [.. model.Graph.WithSubgraphs().SelectMany(graph => graph.Nodes).Where(node => node.Domain == TargetProfile.ContributedDomain)];
        foreach (Node node in own)
        {
            if (Array.Find(Forms, form => form.OpType == node.OpType && form.Bits == BitsOf(node)) is { Since: { } since } form && since > release.Version)
            {
                return (done, $"{form.OpType} of {form.Bits} bits ('{node.Name}') needs ONNX Runtime {since}, and the project references {release}");
            }
        }

        Node[] biased = release.Version < BiasOfPackedProduct ? [.. own.Where(node => node.OpType == PackedProduct && node.Input(Bias) is not null)] : [];
        Array.ForEach(biased, SplitBias);
        if (biased.Length > 0)
        {
            done.Add(string.Create(CultureInfo.InvariantCulture, $"{biased.Length} packed products have their bias added by an operator of its own, as before ONNX Runtime {BiasOfPackedProduct}."));
        }

        if (release.Version < CastOfInt4 && Int4Storage.Undo(model) is > 0 and var widened)
        {
            done.Add(string.Create(CultureInfo.InvariantCulture, $"{widened} weights of 4 bits are stored in 8, as before ONNX Runtime {CastOfInt4}."));
        }

        if (model.OpsetImports.TryGetValue("ai.onnx.ml", out long machineLearning) && machineLearning > release.MachineLearningOpset)
        {
            return (done, $"operator set {machineLearning} of ai.onnx.ml is newer than {release.MachineLearningOpset}, the newest that ONNX Runtime {release}, which the project references, reads");
        }

        long opset = model.Opset;
        if (OpsetLowering.Apply(model, release.Opset) is { } reason)
        {
            return (done, $"ONNX Runtime {release}, which the project references, reads operator sets up to {release.Opset}, and {reason}");
        }

        if (model.Opset < opset)
        {
            done.Add($"It declares operator set {model.Opset} instead of {opset}.");
        }

        if (model.IrVersion <= release.IrVersion)
        {
            return (done, null);
        }

        long irVersion = model.IrVersion;
        if (model.LowestIrVersion > release.IrVersion)
        {
            model.RemoveAnnotations();
        }

        if (model.LowestIrVersion > release.IrVersion)
        {
            return (done, $"what it holds needs IR version {model.LowestIrVersion}, and ONNX Runtime {release}, which the project references, reads up to {release.IrVersion}");
        }

        model.IrVersion = model.LowestIrVersion;
        done.Add($"It has IR version {model.IrVersion} instead of {irVersion}.");
        return (done, null);
    }

    /// <summary>Bits of what a node has packed into bytes. Rows of a type of 4 bits, which need no such attribute, are older (1.20), and we write none.</summary>
    private static long? BitsOf(Node node) => node.OpType == PackedRows && !node.Has("bits") ? null : node.GetInt("bits", 4);

    private static void SplitBias(Node product)
    {
        Value bias = product.Input(Bias)!;
        product.SetInput(Bias, null);
        product.Output.InsertAfter("Add", bias);
    }
}
