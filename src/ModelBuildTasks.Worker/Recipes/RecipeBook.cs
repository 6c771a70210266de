using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Searching;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization;
using ModelBuildTasks.Optimization.Conversion;
using ModelBuildTasks.Optimization.Pruning;
using ModelBuildTasks.Optimization.Pruning.Structured;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Quantization.Calibration;
using ModelBuildTasks.Optimization.Quantization.Equalization;
using ModelBuildTasks.Optimization.Quantization.Smoothing;
using ModelBuildTasks.Optimization.Quantization.WeightOnly;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Worker.Recipes;

/// <summary>From a project's settings to the recipes that carry them out.</summary>
internal static class RecipeBook
{
    /// <summary>Weights that share a scale.</summary>
    private const int WeightBlock = 32;

    /// <summary>
    /// The recipes for these settings. What the settings leave open is there in the order in which it is taken where no latency can be measured; the simplified and pruned model itself comes last among those that may be
    /// faster.
    /// </summary>
    /// <param name="hasCalibration">Whether there are samples to take ranges from.</param>
    /// <param name="hasEvaluation">Whether there are others to judge accuracy by: only then does <c>Auto</c> take ranges from BatchNormalization statistics, and prune.</param>
    /// <param name="source">The model before anything is folded; null where only the settings are of interest.</param>
    /// <param name="recovery">What trains; null where nothing does, or only the settings are of interest.</param>
    internal static RecipeList For(ModelSettings settings, TargetProfile target, bool hasCalibration, bool hasEvaluation = false, Model? source = null, Recovery? recovery = null)
    {
        KeptTraining? pruningInTraining = recovery?.Pruning(settings, new ExcludedLayers(settings.PruningExclude, source));
        IModelPass[] pruning = pruningInTraining is not null ? [pruningInTraining] : [.. PruningOf(settings, hasCalibration, source)];
        IModelPass[] training = [.. recovery?.AfterQuantization(settings.FineTune, pruning.Length > 0) ?? []];
        Recipe? untrained = StaticInt8(settings, hasCalibration, hasEvaluation, source);
        untrained = untrained is not null && settings is { Quantization: Quantization.Static, Precision: Precision.Int4 } ? WithInt4Weights(untrained) : untrained;
        Recipe? integers = Trained(untrained, training, staysInIntegers: false);
        bool isHalf = source is not null && Float16Conversion.IsDone(source, target);
        RecipeList list = Chosen(settings, target, integers, hasCalibration, isHalf) is { } chosen
            ? new RecipeList([], chosen.IsForSize ? [chosen, Simplification] : [chosen], IsChosenByUser: true)
            : new RecipeList([], [.. Automatic(settings, target, integers, hasCalibration, hasEvaluation, isHalf)], IsChosenByUser: false);
        ExcludedLayers? prunable = settings.Pruning == Contracts.Pruning.Auto && hasCalibration && hasEvaluation ? new ExcludedLayers(settings.PruningExclude, source) : null;
        bool mayTrain = settings.FineTune == FineTune.Auto && recovery is not null && (!list.IsChosenByUser || prunable is not null);
        bool mayBeIntegers = !list.IsChosenByUser || ReferenceEquals(list.Recipes[0], integers);
        Recipe? trained = mayTrain && mayBeIntegers && target.Activations is not null ? Trained(untrained, [.. recovery!.AfterQuantization(FineTune.QuantizationAware, pruning.Length > 0)], staysInIntegers: true) : null;
        pruning = pruningInTraining is null && recovery is not null ? recovery.WithTraining(pruning, settings.FineTune) : pruning;
        string[] before = [.. recovery is { HasStudent: true } ? ["student"] : Array.Empty<string>(), .. pruning.Select(pass => pass.Name)];
        return list with
        {
            Pruning = pruning,
            Recipes = [.. list.Recipes.Select(recipe => Named(before, recipe))],
            Trained = trained is null || trained == untrained ? [] : [Named(before, trained with { Settings = trained.Settings with { FineTune = FineTune.QuantizationAware } })],
            Distillation = mayTrain ? recovery!.Distillation() : null,
            Prunable = prunable,
        };
    }

    /// <summary>The recipe that an earlier search chose.</summary>
    /// <param name="pinned">Its choice; not the source itself.</param>
    /// <inheritdoc cref="For"/>
    internal static RecipeList Again(PinnedRecipe pinned, ModelSettings settings, TargetProfile target, bool hasCalibration, bool hasEvaluation, Model source, Recovery? recovery = null)
    {
        ModelSettings chosen = settings.Clone();
        chosen.Precision = pinned.Precision == Precision.Auto ? settings.Precision : pinned.Precision;
        chosen.Quantization = pinned.Quantization == Quantization.Auto ? settings.Quantization : pinned.Quantization;
        chosen.Calibration = pinned.Calibration == Calibration.Auto ? settings.Calibration : pinned.Calibration;
        chosen.FineTune = settings.FineTune == FineTune.Auto ? pinned.FineTune : settings.FineTune;
        if (settings.Pruning == Contracts.Pruning.Auto)
        {
            (chosen.Pruning, chosen.Sparsity) = (pinned.Pruning, pinned.Sparsity);
        }

        RecipeList list = For(chosen, target, hasCalibration, hasEvaluation, source, recovery);
        Recipe recipe = pinned is { Quantization: Quantization.None, Precision: Precision.Auto } ? Named([.. list.Pruning.Select(pass => pass.Name)], Simplification) : list.Recipes[0];
        return list with { Recipes = [pinned.LearnedRounding ? WithLearnedRounding(recipe) ?? recipe : recipe] };
    }

    /// <summary>The same recipe with ranges found in other ways, for static quantization by samples; empty for others, and where the settings name the way.</summary>
    internal static IEnumerable<Recipe> WithOtherRanges(Recipe recipe, ModelSettings settings) =>
        settings.Calibration != Calibration.Auto ? []
            : from calibration in new[] { Calibration.Percentile, Calibration.Entropy, Calibration.MinMax }
              where recipe.Passes.Any(pass => pass is StaticQuantization)
              select recipe with
              {
                  Name = $"{recipe.Name} with {calibration} ranges",
                  Passes = [.. recipe.Passes.Select(pass => pass is StaticQuantization integers ? integers with { Ranges = RangesOf(calibration) } : pass)],
                  Settings = recipe.Settings with { Calibration = calibration },
              };

    /// <summary>The same recipe with the rounding of weights learned, for static quantization by samples; null for others, and where it is learned already.</summary>
    internal static Recipe? WithLearnedRounding(Recipe recipe) =>
        !recipe.Passes.Any(pass => pass is StaticQuantization { LearnsRounding: false }) ? null
            : recipe with
            {
                Name = $"{recipe.Name} with learned rounding",
                Passes = [.. recipe.Passes.Select(pass => pass is StaticQuantization integers ? integers with { LearnsRounding = true } : pass)],
                Settings = recipe.Settings with { LearnsRounding = true },
            };

    /// <summary>Nothing but lossless steps.</summary>
    internal static Recipe Simplification => new("simplification alone", []) { Settings = new RecipeSettings(Quantization: Quantization.None) };

    /// <summary>What the settings name; null when they leave the numeric format to us.</summary>
    private static Recipe? Chosen(ModelSettings settings, TargetProfile target, Recipe? integers, bool hasCalibration, bool isHalf) => settings switch
    {
        { Precision: Precision.Float32 } or { Quantization: Quantization.None, Precision: Precision.Auto } => new Recipe("float32", []),
        { Precision: Precision.Float16 } when isHalf => new Recipe("float16", []),
        { Precision: Precision.Float16 } => target.ComputesFloat16 ? Float16 : HalfSize,
        { FineTune: FineTune.QuantizationAware } or { Quantization: Quantization.Static, Precision: Precision.Int4 } => integers,
        { Quantization: Quantization.WeightOnly } or { Precision: Precision.Int4 or Precision.Int2 or Precision.Binary } => WeightOnly(settings.Precision),
        { Quantization: Quantization.Static } => integers,
        { Quantization: Quantization.Dynamic } => DynamicInt8(hasCalibration),
        { Precision: Precision.Int8 } => integers ?? DynamicInt8(hasCalibration),
        _ => null,
    };

    /// <summary>
    /// Without any data there is nothing to tell how far ranges at run time carry, so that activations stay as they are; weights alone are judged by likeness on drawn inputs. Whatever packs
    /// weights comes behind the simplified model: it pays where weights are what a run waits for, which only measuring tells.
    /// </summary>
    private static IEnumerable<Recipe> Automatic(ModelSettings settings, TargetProfile target, Recipe? integers, bool hasCalibration, bool hasEvaluation, bool isHalf)
    {
        if (target.Activations is not null)
        {
            if (integers is not null)
            {
                yield return integers;
            }

            if (!target.ComputesFloat16 && (hasCalibration || hasEvaluation))
            {
                yield return DynamicInt8(hasCalibration);
            }
        }

        if (target.ComputesFloat16 && !isHalf)
        {
            yield return Float16;
        }

        yield return Simplification;
        if (target.RunsHere || settings.Objective == Objective.Size)
        {
            yield return WeightOnly(Precision.Int8) with { IsForSize = false };
            yield return WeightOnly(Precision.Int4) with { IsForSize = false };
        }

        if (settings.Objective == Objective.Size)
        {
            yield return WeightOnly(Precision.Int2) with { IsForSize = false };
            if (!target.ComputesFloat16 && !isHalf)
            {
                yield return HalfSize with { IsForSize = false };
            }
        }
    }

    /// <summary>By samples, else by statistics; null where there is neither, or nothing to judge by what <c>Auto</c> would make without samples.</summary>
    private static Recipe? StaticInt8(ModelSettings settings, bool hasCalibration, bool hasEvaluation, Model? source)
    {
        IModelPass[] recurrences = source is not null && DynamicLstm.IsIn(source) ? [new DynamicLstm()] : [];
        if (hasCalibration || settings.Quantization == Quantization.Static)
        {
            return new Recipe("static int8", [new StaticQuantization(RangesOf(settings.Calibration)), .. recurrences])
            {
                Preparation = [new CrossLayerEqualization(), new SmoothQuant()],
                CanKeepAccuracy = true,
                Settings = new RecipeSettings(Quantization: Quantization.Static, Calibration: settings.Calibration),
            };
        }

        bool mayGuess = settings.Precision == Precision.Int8 || hasEvaluation;
        return mayGuess && source is not null && NormalizationStatistics.Of(source) is { IsEmpty: false } statistics
            ? new Recipe("static int8 without data", [new DataFreeQuantization(statistics), .. recurrences]) { Settings = new RecipeSettings(Precision.Int8) }
            : null;
    }

    /// <summary>Weights of 4 bits in the same integer kernels: a smaller file, and the same time. With so few codes it counts which one is taken, so that this is learned.</summary>
    private static Recipe WithInt4Weights(Recipe integers) => integers with
    {
        Name = "static int8 with int4 weights",
        Passes = [.. integers.Passes.Select(pass => pass is StaticQuantization quantization ? quantization with { WeightBits = 4, LearnsRounding = true } : pass), new Int4Storage()],
        Settings = integers.Settings with { Precision = Precision.Int4 },
    };

    /// <summary>Static quantization by samples as it is without training, and right behind it training: what that makes worse is not taken, so that nothing ships which is farther from the teacher than without.</summary>
    /// <param name="staysInIntegers">Whether training takes the place of returning layers to float, for a search that has the other form, too.</param>
    private static Recipe? Trained(Recipe? integers, IModelPass[] training, bool staysInIntegers) =>
        training.Length == 0 || integers?.Passes.Any(pass => pass is StaticQuantization) != true ? integers
            : integers with
            {
                Name = $"trained {integers.Name}",
                Passes = [.. integers.Passes.SelectMany(pass => pass is StaticQuantization quantization ? [quantization with { StaysInIntegers = staysInIntegers }, .. training] : new[] { pass })],
                CanKeepAccuracy = integers.CanKeepAccuracy && !staysInIntegers,
            };

    private static RangeMethod RangesOf(Calibration calibration) => calibration switch
    {
        Calibration.MinMax => RangeMethod.MinMax,
        Calibration.Entropy => RangeMethod.Entropy,
        Calibration.Percentile => RangeMethod.Percentile,
        Calibration.Mse => RangeMethod.MeanSquaredError,
        Calibration.MovingAverage => RangeMethod.AverageMinMax,
        _ => RangeMethod.Auto,
    };

    private static Recipe DynamicInt8(bool hasCalibration) => new("dynamic int8", [new DynamicQuantization()])
    {
        Preparation = hasCalibration ? [new SmoothQuant()] : [],
        Settings = new RecipeSettings(Quantization: Quantization.Dynamic),
    };

    /// <summary>Weight-only quantization that leaves the number of bits to us takes 4: the fewest that GPTQ keeps close to float.</summary>
    private static Recipe WeightOnly(Precision precision)
    {
        (string name, BlockFormat format) = precision switch
        {
            Precision.Int8 => ("weight-only int8", new BlockFormat(8, WeightBlock, IsSymmetric: true)),
            Precision.Int2 => ("weight-only int2", new BlockFormat(2, WeightBlock, IsSymmetric: false)),
            Precision.Binary => ("binary weights", BlockFormat.Binary(WeightBlock)),
            _ => ("weight-only int4", new BlockFormat(4, WeightBlock, IsSymmetric: false)),
        };
        Precision bits = precision is Precision.Int8 or Precision.Int2 or Precision.Binary ? precision : Precision.Int4;
        return new Recipe(name, [new WeightOnlyQuantization(format)]) { IsForSize = true, Settings = new RecipeSettings(bits, Quantization.WeightOnly) };
    }

    private static Recipe Float16 => new("float16", [new Float16Conversion()]) { Settings = new RecipeSettings(Precision.Float16) };

    /// <summary>For targets that do not compute in float16: half the download, and float32 in every run.</summary>
    private static Recipe HalfSize => new("float16 storage", [new Float16Storage()]) { IsForSize = true, Settings = new RecipeSettings(Precision.Float16) };

    private static IEnumerable<IModelPass> PruningOf(ModelSettings settings, bool hasCalibration, Model? source)
    {
        ExcludedLayers excluded = new(settings.PruningExclude, source);
        return settings.Pruning switch
        {
            Contracts.Pruning.Magnitude => [Refitted(new MagnitudePruning(settings.Sparsity, ScopeOf(settings), excluded), excluded, hasCalibration)],
            Contracts.Pruning.Threshold => [Refitted(new ThresholdPruning(settings.PruningThreshold!.Value, excluded), excluded, hasCalibration)],
            Contracts.Pruning.SecondOrder => [new SecondOrderPruning(settings.Sparsity, ScopeOf(settings), excluded)],
            Contracts.Pruning.TwoFour => [new TwoFourPruning(excluded)],
            Contracts.Pruning.Surgery => [new Surgery(settings.Sparsity, ScopeOf(settings), excluded)],
            Contracts.Pruning.Structured => [new StructuredPruning(settings.Sparsity, excluded)],
            _ => [],
        };
    }

    /// <summary>What looks at weights alone is refitted wherever there are samples to do it by.</summary>
    private static IModelPass Refitted(IModelPass pruning, ExcludedLayers excluded, bool hasCalibration) => hasCalibration ? new Reconstruction(pruning, excluded) : pruning;

    internal static Optimization.Pruning.PruningScope ScopeOf(ModelSettings settings) => Enum.Parse<Optimization.Pruning.PruningScope>(settings.PruningScope.ToString());

    private static Recipe Named(IReadOnlyList<string> before, Recipe recipe) => recipe with { Name = string.Join(" + ", [.. before, recipe.Name]) };
}
