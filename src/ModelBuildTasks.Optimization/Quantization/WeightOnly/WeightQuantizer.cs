using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization.Smoothing;

namespace ModelBuildTasks.Optimization.Quantization.WeightOnly;

/// <summary>
/// Finds the codes of every weight. Moments of inputs are gathered for as many layers at a time as a limit of memory allows, in the order of the
/// graph; the float model computes them throughout, so that the result does not depend on that limit.
/// </summary>
internal sealed class WeightQuantizer(BlockFormat format, WeightOnlyAlgorithm algorithm, PassContext context)
{
    /// <summary>
    /// Bytes of moments that are held at once, as a multiple of the largest layer's: less is not possible, as factoring takes half as much again. Each further group
    /// of layers costs another run of the samples up to its last layer.
    /// </summary>
    private const double MostMoments = 1.5;

    /// <summary>Less than this is not worth another run of the samples: a runtime takes as much for itself.</summary>
    private const long FewMomentBytes = 16L << 20;

    private readonly List<(ScalableInput Input, double[] Scales)> scaled = [];
    private int withMoments;
    private int blind;

    /// <summary>What layers read and is to be divided: their codes stand for weights that are larger by as much.</summary>
    internal IReadOnlyList<(ScalableInput Input, double[] Scales)> Scaled => scaled;

    /// <summary>Which algorithms were used, for people.</summary>
    internal string Summary => string.Join(", ", new[]
    {
        (Count: withMoments, Name: UsesGptq ? "GPTQ" : $"{Scaling(format).Name} weighted by calibration samples"),
        (Count: blind, Scaling(format).Name),
    }.Where(part => part.Count > 0).Select(part => $"{part.Count} by {part.Name}")) + (scaled.Count > 0 ? $"; {scaled.Count} inputs scaled for their largest activations" : "");

    private bool UsesGptq => algorithm is WeightOnlyAlgorithm.Gptq or WeightOnlyAlgorithm.Auto;

    private bool UsesMoments => context.Calibration is not null && algorithm is not (WeightOnlyAlgorithm.RoundToNearest or WeightOnlyAlgorithm.HalfQuadratic);

    /// <summary>The packed weights by <see cref="PackedReader.Key"/>; operators that share a weight share the result.</summary>
    /// <exception cref="Calibration.CalibrationException">The calibration samples cannot be run.</exception>
    internal Dictionary<(Value, bool, float), BlockedWeight> Quantize(Model model, IReadOnlyList<PackedReader> readers)
    {
        Dictionary<(Value, bool, float), BlockedWeight> result = [];
        ILookup<(Value, bool, float), PackedReader> byWeight = readers.ToLookup(reader => reader.Key);
        CalibratedProducts[] calibrated = CalibratedProducts.From(byWeight.Where(same => !same.Any(IsTable)).Select(same => same.OfType<PackedProduct>().Where(product => HasMoments(model, product))));
        Dictionary<Value, ScalableInput> scalable = algorithm == WeightOnlyAlgorithm.Auto ? ScalableInput.In(model.Graph, []).ToDictionary(input => input.Value) : [];
        int done = 0;
        foreach (CalibratedProducts[] group in Groups(calibrated))
        {
            Queue<InputMoments> moments = new(MomentCollector.Run(model, [.. group.Select(products => (products.Inputs, products.Width))], context.Calibration!, context.CancellationToken));
            foreach (CalibratedProducts products in group)
            {
                InputMoments known = moments.Dequeue();
                ScalableInput? input = products.Inputs is [var only] ? scalable.GetValueOrDefault(only) : null;
                float[]? scales = Scales(input, products.Products, known);
                float[]? factor = UsesGptq ? known.Factor(context.CancellationToken) : null;
                if (UsesGptq && factor is null)
                {
                    continue;
                }

                if (scales is not null)
                {
                    scaled.Add((input!, Array.ConvertAll(scales, scale => (double)scale)));
                }

                foreach (PackedProduct product in products.Products)
                {
                    result.Add(product.Key, Quantize(product with { Weight = product.Weight with { InputScales = scales } }, known, factor));
                    withMoments++;
                    Report();
                }
            }
        }

        foreach (IGrouping<(Value, bool, float), PackedReader> same in byWeight.Where(same => !result.ContainsKey(same.Key)))
        {
            // What a table holds is read as it is, so that products that share it do without samples, too.
            BlockFormat fitting = (same.Any(IsTable) ? PackedEmbedding.Format(format) : format).For(same.First().Weight.Inputs);
            result.Add(same.Key, BlockQuantizer.Quantize(same.First().Weight, fitting, Scaling(fitting), [], context.CancellationToken));
            blind++;
            Report();
        }

        return result;

        void Report()
        {
            context.CancellationToken.ThrowIfCancellationRequested();
            context.Progress?.Report(++done / (double)byWeight.Count);
        }
    }

    /// <summary>Scales for what all of these products read, the moments divided by them; null where the value cannot be scaled, or gains nothing.</summary>
    private float[]? Scales(ScalableInput? input, IReadOnlyList<PackedProduct> products, InputMoments moments)
    {
        bool isWhole = input is not null && input.IsDividedByVectors && input.Layers.Select(layer => layer.Node).ToHashSet().SetEquals(products.Select(product => product.Node));
        float[] importance = moments.Importance();
        if (!isWhole || importance.Any(moment => !(moment > 0)))
        {
            return null;
        }

        BlockFormat fitting = format.For(moments.Inputs);
        float[]? scales = ActivationAwareScaling.Find([.. products.Select(product => product.Weight)], importance, fitting, Scaling(fitting), context.CancellationToken);
        if (scales is not null)
        {
            moments.Divide(scales);
        }

        return scales;
    }

    private BlockedWeight Quantize(PackedProduct product, InputMoments moments, float[]? factor)
    {
        BlockFormat fitting = format.For(product.Weight.Inputs);
        return factor is not null
            ? Gptq.Quantize(product.Weight, fitting, Scaling(fitting), factor, context.CancellationToken)
            : BlockQuantizer.Quantize(product.Weight, fitting, Scaling(fitting), moments.Importance(), context.CancellationToken);
    }

    private IBlockScaling Scaling(BlockFormat fitting) => fitting.IsBinary ? new BinaryScaling() : algorithm switch
    {
        WeightOnlyAlgorithm.RoundToNearest => new RoundToNearest(),
        WeightOnlyAlgorithm.HalfQuadratic => new HalfQuadratic(),
        _ => new ScaleSearch(),
    };

    /// <summary>Layers in groups whose moments are held at once, in each the smallest first: they are factored in that order, and let go.</summary>
    internal static IEnumerable<CalibratedProducts[]> Groups(IReadOnlyList<CalibratedProducts> products)
    {
        double most = Math.Max(FewMomentBytes, MostMoments * products.Select(MomentBytes).DefaultIfEmpty().Max());
        List<CalibratedProducts> group = [];
        foreach (CalibratedProducts next in products)
        {
            if (group.Count > 0 && Peak([.. group, next]) > most)
            {
                yield return [.. group.OrderBy(MomentBytes)];
                group.Clear();
            }

            group.Add(next);
        }

        if (group.Count > 0)
        {
            yield return [.. group.OrderBy(MomentBytes)];
        }
    }

    /// <summary>The most bytes that a group's moments take: factoring takes half as much again.</summary>
    private static long Peak(IEnumerable<CalibratedProducts> group)
    {
        long[] sizes = [.. group.Select(MomentBytes).Order()];
        long held = sizes.Sum();
        long peak = held;
        foreach (long size in sizes)
        {
            peak = Math.Max(peak, held + size / 2);
            held -= size;
        }

        return peak;
    }

    /// <summary>Only values of the main graph are computed for every sample; those inside branches and loops may not be.</summary>
    private bool HasMoments(Model model, PackedProduct product) => UsesMoments && product.Input.Graph == model.Graph && MomentBytes(product.Weight.Inputs) <= InputMoments.MostBytes;

    private static bool IsTable(PackedReader reader) => reader is PackedEmbedding;

    private static long MomentBytes(CalibratedProducts products) => MomentBytes(products.Width);

    private static long MomentBytes(int inputs) => sizeof(float) * (long)inputs * inputs;
}
