namespace Ddm.Evaluation;

/// <summary>
/// What captions are worth to a model on held-out pictures. The measure is the training loss itself, E |v(x_t, t, c) - (eps - x_0)|^2 an element, of the expert of the picture's
/// own cluster: with the picture's caption, with another picture's of the same cluster, so that knowing the cluster does not help, and with none. Noise and times are the same.
/// </summary>
/// <param name="Rows">Held-out pictures with a caption, and another caption in their cluster.</param>
/// <param name="Right">Mean error with the picture's caption.</param>
/// <param name="Wrong">With another's.</param>
/// <param name="None">With none.</param>
/// <param name="WrongMinusRight">Differences, a row a mean over times.</param>
/// <param name="NoneMinusRight">Likewise.</param>
/// <param name="RightWins">Share of the rows whose own caption gives the smaller error.</param>
/// <param name="Bins">By time, from data (t = 0) to noise (t = 1).</param>
/// <param name="Routing">Top-1 where x_t alone tells little.</param>
public sealed record CaptionReport(
    int Rows, double Right, double Wrong, double None, PairedMean WrongMinusRight, PairedMean NoneMinusRight, double RightWins, IReadOnlyList<CaptionBin> Bins, RoutingComparison Routing);

/// <summary>One interval of t.</summary>
/// <param name="From">Lower end.</param>
/// <param name="To">Upper end.</param>
/// <param name="Right">Mean error with the picture's caption.</param>
/// <param name="Wrong">With another's of the same cluster.</param>
/// <param name="None">With none.</param>
/// <param name="WrongMinusRight">Differences by row.</param>
public sealed record CaptionBin(double From, double To, double Right, double Wrong, double None, PairedMean WrongMinusRight);

/// <summary>Top-1 by a router that sees the caption and by one that does not: above some t, below which x_t gives the cluster away. Velocities are those of the chosen expert with the picture's caption.</summary>
/// <param name="From">Times from here on.</param>
/// <param name="Blind">What the blind router is.</param>
/// <param name="SeeingAccuracy">Share of choices that are the picture's cluster.</param>
/// <param name="BlindAccuracy">Likewise.</param>
/// <param name="SeeingError">Mean error of the chosen experts' velocities.</param>
/// <param name="BlindError">Likewise.</param>
/// <param name="OwnError">Of the experts of the pictures' clusters.</param>
/// <param name="BlindMinusSeeing">Differences by row.</param>
public sealed record RoutingComparison(
    double From, string Blind, double SeeingAccuracy, double BlindAccuracy, double SeeingError, double BlindError, double OwnError, PairedMean BlindMinusSeeing);
