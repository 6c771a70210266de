using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Microsoft.Build.Framework;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Items;

namespace ModelBuildTasks.Accessors;

/// <summary>Who may see an accessor.</summary>
public enum AccessorVisibility { Internal, Public }

/// <summary>One accessor to generate. As an item it is the path of the source file.</summary>
internal sealed class AccessorItem
{
    public string SourcePath { get; private set; } = "";

    public string ModelPath { get; private set; } = "";

    public string Name { get; private set; } = "";

    public string Class { get; private set; } = "";

    /// <summary>Empty for the global namespace.</summary>
    public string Namespace { get; private set; } = "";

    public string Visibility { get; private set; } = "internal";

    public bool Embedded { get; private set; } = true;

    /// <summary>Whether the embedded bytes are compressed.</summary>
    public bool Compressed { get; private set; }

    /// <summary>Whether artifacts take and give float16 where the source model has float32.</summary>
    public bool TakesHalf { get; private set; }

    /// <summary>Whether the build makes the model (by a command, or by putting something in front), which it need not have done yet when an IDE asks.</summary>
    public bool IsMade { get; private set; }

    public IReadOnlyList<string> Targets { get; private set; } = [];

    /// <summary>Those of <see cref="Targets"/> whose artifact is in ORT format.</summary>
    public IReadOnlyList<string> OrtTargets { get; private set; } = [];

    /// <summary>The metadata that should be a C# name and is not, or null.</summary>
    public string? InvalidName { get; private set; }

    public static AccessorItem For(ITaskItem model, string modelPath, string name, IReadOnlyList<ModelVariant> variants, bool compressed, bool takesHalf, string rootNamespace, string directory)
    {
        var className = model.Text(MetadataNames.AccessorClass);
        var namespaceName = model.Text(MetadataNames.AccessorNamespace);
        return new AccessorItem
        {
            SourcePath = Path.Combine(directory, $"{ModelVariant.FileName(name)}.g.cs"),
            ModelPath = modelPath,
            Name = name,
            Class = className ?? (AccessorMembers.IsTaken(CSharpNames.Pascal(name)) ? $"{CSharpNames.Pascal(name)}Model" : CSharpNames.Pascal(name)),
            Namespace = namespaceName ?? CSharpNames.Namespace(rootNamespace),
            Visibility = Choice.TryParse<AccessorVisibility>(model.GetMetadata(MetadataNames.AccessorVisibility), out var visibility) && visibility == AccessorVisibility.Public ? "public" : "internal",
            Embedded = model.IsTrue(MetadataNames.Embed, fallback: true),
            Compressed = compressed,
            TakesHalf = takesHalf,
            IsMade = model.Text(MetadataNames.ExportCommand) is not null || model.Text(MetadataNames.Preprocess) is not null,
            Targets = InOrder(variants),
            OrtTargets = InOrder(variants.Where(variant => variant.IsOrt)),
            InvalidName =
                className is not null && (!CSharpNames.IsIdentifier(className) || AccessorMembers.IsTaken(className)) ? MetadataNames.AccessorClass :
                namespaceName is not null && !namespaceName.Split('.').All(CSharpNames.IsIdentifier) ? MetadataNames.AccessorNamespace : null,
        };
    }

    public ITaskItem ToTaskItem() => ItemText.Create(SourcePath, new Dictionary<string, string>
    {
        [nameof(ModelPath)] = ModelPath,
        [nameof(Name)] = Name,
        [nameof(Class)] = Class,
        [nameof(Namespace)] = Namespace,
        [nameof(Visibility)] = Visibility,
        [nameof(Embedded)] = Embedded ? "true" : "false",
        [nameof(Compressed)] = Compressed ? "true" : "false",
        [nameof(TakesHalf)] = TakesHalf ? "true" : "false",
        [nameof(IsMade)] = IsMade ? "true" : "false",
        [nameof(Targets)] = string.Join(",", Targets),
        [nameof(OrtTargets)] = string.Join(",", OrtTargets),
    });

    public static AccessorItem FromTaskItem(ITaskItem item) => new()
    {
        SourcePath = item.ItemSpec,
        ModelPath = item.GetMetadata(nameof(ModelPath)),
        Name = item.GetMetadata(nameof(Name)),
        Class = item.GetMetadata(nameof(Class)),
        Namespace = item.GetMetadata(nameof(Namespace)),
        Visibility = item.GetMetadata(nameof(Visibility)),
        Embedded = item.GetMetadata(nameof(Embedded)) == "true",
        Compressed = item.GetMetadata(nameof(Compressed)) == "true",
        TakesHalf = item.GetMetadata(nameof(TakesHalf)) == "true",
        IsMade = item.GetMetadata(nameof(IsMade)) == "true",
        Targets = item.GetMetadata(nameof(Targets)).Split([','], StringSplitOptions.RemoveEmptyEntries),
        OrtTargets = item.GetMetadata(nameof(OrtTargets)).Split([','], StringSplitOptions.RemoveEmptyEntries),
    };

    private static IReadOnlyList<string> InOrder(IEnumerable<ModelVariant> variants)
    {
        var targets = variants.Select(variant => variant.Target).ToList();
        return [.. TargetNames.ByPreference.Where(targets.Contains)];
    }
}
