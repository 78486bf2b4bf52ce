-- The library's two tables, exactly as it makes them; tables that are there stay as they are.
CREATE TABLE IF NOT EXISTS `flux_job_archive` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `job_id` varchar(64) NOT NULL,
  `queue` varchar(128) NOT NULL,
  `status` varchar(20) NOT NULL,
  `payload` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL CHECK (json_valid(`payload`)),
  `error` text DEFAULT NULL,
  `created_at` timestamp NULL DEFAULT NULL,
  `archived_at` timestamp NOT NULL DEFAULT current_timestamp(),
  PRIMARY KEY (`id`),
  KEY `flux_job_archive_queue_archived_at_index` (`queue`,`archived_at`),
  KEY `flux_job_archive_queue_job_id_index` (`queue`,`job_id`),
  KEY `flux_job_archive_status_archived_at_index` (`status`,`archived_at`),
  KEY `flux_job_archive_archived_at_index` (`archived_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE TABLE IF NOT EXISTS `flux_system_logs` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `level` varchar(20) NOT NULL,
  `message` text NOT NULL,
  `worker_id` varchar(128) NOT NULL,
  `queue` varchar(128) DEFAULT NULL,
  `timestamp` timestamp NOT NULL DEFAULT current_timestamp(),
  PRIMARY KEY (`id`),
  KEY `flux_system_logs_worker_id_index` (`worker_id`),
  KEY `flux_system_logs_queue_index` (`queue`),
  KEY `flux_system_logs_level_index` (`level`),
  KEY `flux_system_logs_timestamp_index` (`timestamp`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
