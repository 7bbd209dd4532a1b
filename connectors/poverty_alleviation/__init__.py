"""Poverty-relapse monitoring of the agriculture and rural affairs bureau (防返贫): CSV files over SFTP."""
