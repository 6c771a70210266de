using System.CommandLine;
using System.Globalization;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization.Calibration;
using ModelBuildTasks.Optimization.Quantization.WeightOnly;
using ModelBuildTasks.Optimization;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Benchmarks;

/// <summary>
/// The error of layers' outputs on samples that did not calibrate, Σ‖X(W − Ŵ)‖² over ‖XW‖² and over what rounding to nearest leaves, layer by layer
/// on the float model's own activations.
/// </summary>
internal static class WeightOnlyErrors
{
    private const int HeldOut = 8;

    private static readonly BlockFormat[] Formats =
    [
        new(4, 32, IsSymmetric: false), new(4, 32, IsSymmetric: true), new(4, 64, IsSymmetric: false), new(4, 128, IsSymmetric: false),
        new(2, 32, IsSymmetric: false), BlockFormat.Binary(32), new(8, 32, IsSymmetric: true),
    ];

    internal static Command Command()
    {
        Option<int> layers = new("--layers") { Description = "Layers of the transformer.", DefaultValueFactory = _ => 12 };
        Option<int> width = new("--width") { Description = "Width of the transformer.", DefaultValueFactory = _ => 384 };
        Option<int> outliers = new("--outliers") { Description = "Channels of each normalization that are 20 times the others.", DefaultValueFactory = _ => 0 };
        Command command = new("errors", "Errors of layers' outputs by algorithm.") { layers, width, outliers };
        command.SetAction(parsed =>
        {
            Console.WriteLine("| model | weights | rounding, of the output | HQQ | scale search | scale search, samples | AWQ, scale search | GPTQ | AWQ, GPTQ |");
            Console.WriteLine("|---|---|---|---|---|---|---|---|---|");
            Model transformer = TransformerModel.Create(parsed.GetValue(layers), parsed.GetValue(width), vocabulary: 8000, isRealistic: true, parsed.GetValue(outliers));
            Measure("transformer", transformer, new TokenDataset(32, 128, 8000, seed: 1), new TokenDataset(HeldOut, 128, 8000, seed: 2));
        });
        return command;
    }

    private static void Measure(string name, Model model, Dataset calibration, Dataset heldOut)
    {
        new GraphSimplification().Apply(model, new PassContext(TargetProfiles.CpuX64));
        foreach (BlockFormat format in Formats)
        {
            (double signal, double[] errors) = Errors(model, format, calibration, heldOut, isScaled: false);
            (_, double[] errorsOfScaled) = Errors(model, format, calibration, heldOut, isScaled: true);
            string weights = format.IsBinary ? "signs" : $"{format.Bits} bits{(format.IsSymmetric ? ", symmetric" : "")}";
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {name} | {weights}, blocks of {format.BlockSize} | {errors[0] / signal:0.00000} | {errors[1] / errors[0]:0.00} | {errors[2] / errors[0]:0.00} | {errors[3] / errors[0]:0.00} | {errorsOfScaled[3] / errors[0]:0.00} | {errors[4] / errors[0]:0.000} | {errorsOfScaled[4] / errors[0]:0.000} |"));
        }
    }

    /// <summary>Σ‖XW‖² over all layers, and Σ‖X(W − Ŵ)‖² by rounding, HQQ, scale search, scale search with samples, and GPTQ.</summary>
    private static (double Signal, double[] Errors) Errors(Model model, BlockFormat format, Dataset calibration, Dataset heldOut, bool isScaled)
    {
        PackedProduct[] layers = [.. model.Graph.TopologicalOrder()
            .Where(node => node is { OpType: "MatMul" or "Gemm", Domain: "" })
            .Select(node => PackedProduct.From(node, out _))
            .OfType<PackedProduct>()];
        double signal = 0;
        double[] errors = new double[5];
        foreach (PackedProduct[] readers in layers.GroupBy(layer => layer.Input).Select(group => group.ToArray()))
        {
            InputMoments moments = MomentCollector.Run(model, [([readers[0].Input], readers[0].Weight.Inputs)], calibration, CancellationToken.None).Single();
            Tensor x = Rows(model, readers[0], heldOut);
            BlockFormat common = format.For(readers[0].Weight.Inputs);
            float[]? scales = isScaled
                ? ActivationAwareScaling.Find([.. readers.Select(reader => reader.Weight)], moments.Importance(), common, format.IsBinary ? new BinaryScaling() : new ScaleSearch(), CancellationToken.None)
                : null;
            if (scales is not null)
            {
                moments.Divide(scales);
                x = Tensor.Create([.. x.Dimensions], [.. x.ToSingles().Select((number, i) => number / scales[i % scales.Length])]);
            }

            float[] importance = moments.Importance();
            float[]? factor = moments.Factor();
            foreach (PackedProduct layer in readers.Select(reader => reader with { Weight = reader.Weight with { InputScales = scales } }))
            {
                BlockFormat fitting = format.For(layer.Weight.Inputs);
                IBlockScaling plain = format.IsBinary ? new BinaryScaling() : new RoundToNearest();
                IBlockScaling hqq = format.IsBinary ? new BinaryScaling() : new HalfQuadratic();
                IBlockScaling search = format.IsBinary ? new BinaryScaling() : new ScaleSearch();
                signal += Squares(x, layer, null);
                errors[0] += Squares(x, layer, BlockQuantizer.Quantize(layer.Weight, fitting, plain, [], CancellationToken.None));
                errors[1] += Squares(x, layer, BlockQuantizer.Quantize(layer.Weight, fitting, hqq, [], CancellationToken.None));
                errors[2] += Squares(x, layer, BlockQuantizer.Quantize(layer.Weight, fitting, search, [], CancellationToken.None));
                errors[3] += Squares(x, layer, BlockQuantizer.Quantize(layer.Weight, fitting, search, importance, CancellationToken.None));
                errors[4] += Squares(x, layer, Gptq.Quantize(layer.Weight, fitting, search, factor!, CancellationToken.None));
            }
        }

        return (signal, errors);
    }

    private static Tensor Rows(Model model, PackedProduct layer, Dataset samples)
    {
        List<float> rows = [];
        if (layer.Input.Producer is null)
        {
            int index = model.Graph.Inputs.Where(input => input.Initializer is null).ToList().IndexOf(layer.Input);
            foreach (Sample sample in samples.Read())
            {
                rows.AddRange(sample.Inputs[index].Span<float>());
            }
        }
        else
        {
            using ModelSession session = ObservedModel.Open(model, [layer.Input]);
            foreach (Sample sample in samples.Read())
            {
                using SessionRun run = session.RunBorrowed(sample.Inputs);
                rows.AddRange(run.Span<float>(0));
            }
        }

        return Tensor.Create([rows.Count / layer.Weight.Inputs, layer.Weight.Inputs], rows.ToArray());
    }

    /// <summary>‖X(W − Ŵ)‖², or ‖XW‖² without a quantized weight.</summary>
    private static double Squares(Tensor x, PackedProduct layer, BlockedWeight? quantized)
    {
        float[] difference = BlockedSingles(layer.Weight);
        if (quantized is not null)
        {
            System.Numerics.Tensors.TensorPrimitives.Subtract(difference, quantized.ToSingles(), difference);
        }

        Model model = Model.Create("error", 13, 7);
        Value input = model.Graph.AddInput("x", new TensorType(ElementType.Float, "rows", layer.Weight.Inputs));
        model.Graph.AddOutput(model.Graph.Add("MatMul", input, model.Graph.AddInitializer("w", Tensor.Create([layer.Weight.Inputs, layer.Weight.Outputs], difference))));
        using ModelSession session = ModelSession.Open(model, new SessionSettings(Threads: Environment.ProcessorCount));
        using SessionRun result = session.RunBorrowed([x]);
        return System.Numerics.Tensors.TensorPrimitives.SumOfSquares(result.Span<float>(0));
    }

    private static float[] BlockedSingles(WeightMatrix weight)
    {
        float[] stored = weight.Stored.ToSingles();
        float[] result = new float[stored.Length];
        for (int i = 0; i < weight.Inputs; i++)
        {
            for (int o = 0; o < weight.Outputs; o++)
            {
                result[i * weight.Outputs + o] = weight.Factor * (weight.InputScales?[i] ?? 1) * stored[weight.IsTransposed ? o * weight.Inputs + i : i * weight.Outputs + o];
            }
        }

        return result;
    }
}
