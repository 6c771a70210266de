using System.Text;
using System.Xml;
using System.Xml.Linq;

namespace ModelBuildTasks.Worker.Reporting.Files;

/// <summary>Writes elements as text that is XML and HTML at once (W3C, Polyglot Markup). What comes from files is escaped here and nowhere else.</summary>
internal static class Markup
{
    /// <summary>Elements that HTML knows no end tag of, as far as the report has them.</summary>
    private static readonly string[] Void = ["meta", "link", "br"];

    /// <param name="root">The document; changed.</param>
    /// <param name="prologue">What stands before it.</param>
    internal static string Write(XElement root, string prologue)
    {
        foreach (XElement element in root.DescendantsAndSelf())
        {
            foreach (XAttribute attribute in element.Attributes())
            {
                attribute.Value = Valid(attribute.Value);
            }

            // To HTML, <td /> is a start tag.
            if (element.IsEmpty && !Void.Contains(element.Name.LocalName))
            {
                element.Add("");
            }
        }

        foreach (XText text in root.DescendantNodes().OfType<XText>())
        {
            text.Value = Valid(text.Value);
        }

        StringBuilder written = new(prologue);
        using (XmlWriter writer = XmlWriter.Create(written, new XmlWriterSettings { OmitXmlDeclaration = true, Indent = true, IndentChars = " ", NewLineChars = "\n", NewLineHandling = NewLineHandling.None }))
        {
            root.Save(writer);
        }

        return written.Append('\n').ToString();
    }

    /// <summary>The text with U+FFFD for what XML cannot hold: control characters and lone surrogates, which names in models and of files may have.</summary>
    private static string Valid(string text)
    {
        StringBuilder valid = new(text.Length);
        for (int i = 0; i < text.Length; i++)
        {
            if (i + 1 < text.Length && XmlConvert.IsXmlSurrogatePair(text[i + 1], text[i]))
            {
                valid.Append(text, i++, 2);
            }
            else
            {
                valid.Append(XmlConvert.IsXmlChar(text[i]) ? text[i] : '\uFFFD');
            }
        }

        return valid.ToString();
    }
}
